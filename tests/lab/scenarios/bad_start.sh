# A start on a bad file fails, says where, and is not tried again.

on org sed -i 's/^source .*/source = "contents"/' /etc/mirrord/web.toml
refuses on org systemctl start mirrord
status=$(on org systemctl status mirrord || true)
says "$status" '/etc/mirrord/web.toml:2:10: '
says "$status" 'status=78'
[[ $(on org systemctl show --property NRestarts --value mirrord) == 0 ]]
on org systemctl is-failed --quiet mirrord

step 'mended, it starts'
configure
start_mirrord
all_arrives
