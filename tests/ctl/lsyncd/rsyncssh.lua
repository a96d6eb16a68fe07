-- Renames by ssh, everything else by rsync: mirrord has one way for both.
settings { logfile = "/var/log/lsyncd.log", nodaemon = true }

sync {
  default.rsyncssh,
  source    = "/srv/www",
  host      = "www-data@mirror.example",
  targetdir = "/srv/www/",
  delay     = 2.5,
  delete    = "running",
  ssh = {
    binary       = "/usr/local/bin/ssh",
    identityFile = "/root/.ssh/mirror",
    port         = 2222,
    options      = { StrictHostKeyChecking = "no", ConnectTimeout = 5, ServerAliveInterval = "30" },
    _extra       = { "-o", "UserKnownHostsFile=/etc/ssh/mirror_hosts", "-oCompression=yes" },
  },
  rsync = { archive = true, bwlimit = 2000 },
}
