# The service on D-Bus, asked with systemd's own tools.

start_mirrord
all_arrives
web=/org/mirrord1/group/web
tgt1=/org/mirrord1/target/web/tgt1_2ehost_2elocal

step 'busctl tree, introspect, get-property and call'
says "$(on org busctl tree --list org.mirrord1)" $tgt1
says "$(on org busctl introspect org.mirrord1 $tgt1)" .SyncedUpToUSec
[[ $(property $web org.mirrord1.Group Source) == "\"$contents\"" ]]
says "$(on org busctl call org.mirrord1 /org/mirrord1 org.mirrord1.Manager ListTargets)" '"tgt1.host.local"'
says "$(on org busctl --json=short call org.mirrord1 $web org.mirrord1.Group Describe)" ResolvedSource

step 'what changes is told as a signal'
on org timeout 60 busctl monitor --json=short --match "type='signal',path='$tgt1'" org.mirrord1 \
  >"$lab/monitor" 2>"$lab/monitor.start" &
monitor=$!
within 10 grep -q 'Monitoring bus' "$lab/monitor.start"
on org busctl call org.mirrord1 $tgt1 org.mirrord1.Target Pause
within 10 grep -q '"State":{"type":"s","data":"paused"}' "$lab/monitor"
on org busctl call org.mirrord1 $tgt1 org.mirrord1.Target Resume
kill $monitor
wait $monitor || true

step 'everybody may read, only root may act'
on org runuser -u webmgr -- mirrorctl status >/dev/null
refuses on org runuser -u webmgr -- mirrorctl sync
says "$refusal" 'denied'
refuses on org runuser -u webmgr -- busctl call org.mirrord1 /org/mirrord1 org.mirrord1.Manager Reload
says "$refusal" 'denied'
refuses on org busctl call org.mirrord1 /org/mirrord1 org.mirrord1.Manager Sync ssb nobody '' false
says "$refusal" "No such group 'nobody'"

step 'the log level by systemctl'
[[ $(on org systemctl service-log-level mirrord) == info ]]
on org systemctl service-log-level mirrord debug
[[ $(on org systemctl service-log-level mirrord) == debug ]]
on org systemctl service-log-level mirrord info

step 'a restart of the bus: mirroring goes on, and the name comes back'
pid=$(main_pid)
on org systemctl restart dbus
write $contents/index.html 'without a bus'
within 30 reads tgt1 $contents/index.html 'without a bus'
on_the_bus() { on org busctl status org.mirrord1 >/dev/null 2>&1; }
within 30 on_the_bus
all_arrives
[[ $(main_pid) == "$pid" ]]
