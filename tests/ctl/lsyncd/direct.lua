-- cp, mv and rm on this host
sync {
  default.direct,
  source = "/home/user/src",
  target = "/home/user/trg",
  maxProcesses = 3,
}
