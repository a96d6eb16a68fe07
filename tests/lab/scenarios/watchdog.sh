# The watchdog: a loop that stands still ends in a restart, a target that hangs does not.

on org mkdir -p /etc/systemd/system/mirrord.service.d
on org sh -c 'printf "[Service]\nWatchdogSec=3s\nRestartSec=100ms\n" >/etc/systemd/system/mirrord.service.d/quick.conf'
on org systemctl daemon-reload

step 'a target hangs for longer than the watchdog waits'
on tgt1 install -d /home/webmgr/bin
on tgt1 sh -c 'printf "#!/bin/sh\n[ -e /run/hang ] && exec sleep infinity\nexec rsync \"\$@\"\n" >/home/webmgr/bin/rsync
  chmod 755 /home/webmgr/bin/rsync'
configure 'standby = false
rsync = { remote_program = "/home/webmgr/bin/rsync", timeout = "20s" }'
on tgt2 install -D /usr/bin/rsync /home/webmgr/bin/rsync
start_mirrord
all_arrives
pid=$(main_pid)
on tgt1 touch /run/hang
write $contents/index.html 'into the void'
within 10 state_is tgt1 syncing
fed_since() { (($(on org systemctl show --property WatchdogTimestampMonotonic --value mirrord) > $1)); }
usec=$(on org systemctl show --property WatchdogTimestampMonotonic --value mirrord)
within 20 fed_since $((usec + 6000000))
state_is tgt1 syncing
equals_source tgt2
[[ $(main_pid) == "$pid" ]]
on tgt1 rm /run/hang
on tgt1 pkill -f 'sleep infinity'
all_arrives

step 'the loop stands still'
on org kill -STOP "$pid"
write $contents/index.html 'while it stood still'
is_back() { restarted_since 0 && is_active; }
within 30 is_back
[[ $(main_pid) != "$pid" ]]
says "$(journal org)" 'Watchdog timeout'
all_arrives
