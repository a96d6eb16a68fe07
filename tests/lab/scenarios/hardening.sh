# The drop-in is in force in the running service, and mirroring works within it.

start_mirrord
all_arrives

step 'systemd counts little exposure'
on org systemd-analyze security --no-pager --threshold=30 mirrord | tail -n 1
[[ $(on org systemctl show --property DropInPaths --value mirrord) == */50-hardening.conf ]]

step 'the process has what the drop-in leaves'
status=$(on org cat "/proc/$(main_pid)/status")
says "$status" $'NoNewPrivs:\t1'
says "$status" $'Seccomp:\t2'
# chown, dac_read_search, kill, setgid, setuid, lease: capabilities(7)
says "$status" $'CapBnd:\t00000000100000e5'
refuses on org nsenter --target "$(main_pid)" --mount -- touch /usr/here /etc/here "$contents/here"
