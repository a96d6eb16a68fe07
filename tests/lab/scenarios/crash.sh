# kill -9: systemd starts it again, nothing of the old one is left, and nothing is lost.

start_mirrord
all_arrives
write $contents/index.html 'so that a transfer waits'
all_arrives
group=$(on org systemctl show --property ControlGroup --value mirrord)
old=$(on org cat "/sys/fs/cgroup/systemd$group/cgroup.procs" 2>/dev/null || on org cat "/sys/fs/cgroup$group/cgroup.procs")
(($(wc -l <<<"$old") > 1))

on org systemctl kill --kill-who main --signal KILL mirrord
write $contents/index.html 'while it was dead'
on org rm $contents/images/logo.svg

step 'it is back by itself'
is_back() { restarted_since 0 && is_active; }
within 30 is_back
all_arrives
reads tgt1 $contents/index.html 'while it was dead'

step 'and alone'
for pid in $old; do refuses on org test -d "/proc/$pid"; done
