settings { maxDelays = 1, onepass = true }

sync {
  default.rsync,
  source  = "/srv/www",
  target  = "rsync://localhost:8730/www",
  crontab = { "0 0 3 * * *" },
  tunnel  = { command = { "ssh", "-N", "-L", "8730:localhost:873", "gate" }, mode = "command" },
  init    = false,
  batchSizeLimit = 1024 * 1024,
  exitcodes = { [23] = "again" },
  rsync   = { archive = true, password_file = "/etc/rsync.secret" },
}
