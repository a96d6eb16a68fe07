local common = {
  binary = "/opt/rsync", rsync_path = "sudo rsync", archive = true, acls = true, xattrs = true,
  hard_links = true, sparse = true, checksum = true, inplace = false, compress = false,
  timeout = 120, bwlimit = "1m", chmod = "D755,F644", chown = "www:www",
  backup = true, backup_dir = "/old", suffix = "~", temp_dir = "/tmp", whole_file = true,
  omit_dir_times = true, prune_empty_dirs = true, ipv4 = true,
  perms = false, copy_links = true, quiet = true, protect_args = true,
  rsh = "ssh -p 2222 -l mirror -o 'ProxyJump gate' -F /etc/ssh/mirror.conf -q",
  _extra = { "--numeric-ids", "--bwlimit=2000", "--exclude=*.swp", "--fuzzy", "-W" },
}
sync { default.rsync, source = "/srv/a", target = "host:/srv/a", rsync = common }

-- What mirrord does not do.
sync {
  default.rsync, source = "/srv/b", target = "host:/srv/b", frobnicate = 1,
  rsync = {
    archive = true, update = true, existing = true, dry_run = true, links = false, times = false,
    cvs_exclude = true, copy_dirlinks = true, one_file_system = true, rsh = "rsh -l mirror", frob = true,
    _extra = { "--delete-after", "-u", "dangling" },
  },
}
