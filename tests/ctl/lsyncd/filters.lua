settings { insist = true }

sync {
  default.rsync,
  source      = "/srv/data",
  target      = "backup::data",
  exclude     = { ".bak", "/tmp/", "cache/***", "*.[oa]" },
  excludeFrom = "/etc/lsyncd.exclude",
  filter      = { "- /ab**", "+ /a**", "- /**" },
  delete      = false,
  rsync       = { archive = true, delete_excluded = true },
}

sync {
  default.rsync,
  source  = "/srv/data",
  target  = "other:/srv/data",
  exclude = ".bak",
  filter  = { "P protected", "+ kept" },
  rsync   = { archive = true },
}
