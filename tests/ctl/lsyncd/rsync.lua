-- The least that lsyncd can be told: one directory, kept equal to another one on this host.
settings {
  statusFile     = "/run/lsyncd.status",
  statusInterval = 1,
}

sync {
  default.rsync,
  source = "src",
  target = "dst",
}
