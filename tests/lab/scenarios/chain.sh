# A mirror of a mirror: org feeds tgt1, and tgt1 feeds tgt2.

on org sed -i '/tgt2/d' /etc/mirrord/web.toml
on tgt1 tee /etc/mirrord/web.toml >/dev/null <<TOML
[groups.further]
source = "$contents"
user = "webmgr"
targets = ["webmgr@tgt2.host.local:/home/webmgr/further"]
[groups.further.ssh]
identity_file = "$key"
TOML
on tgt1 systemctl start mirrord
start_mirrord

step 'changes come through both'
write $contents/index.html 'to the far end'
on org mv /home/imgcms/images/icons /home/imgcms/images/symbols
all_arrives tgt1
on tgt1 mirrorctl wait --timeout 60s
reads tgt2 /home/webmgr/further/index.html 'to the far end'
drift=$(as_webmgr tgt1 rsync -n -a --checksum --delete -i -e "ssh -i $key" $contents/ \
  webmgr@tgt2.host.local:/home/webmgr/further/)
[[ ! $drift ]]
reads tgt2 /home/webmgr/further/images/symbols/home.svg home
is_gone tgt2 /home/webmgr/further/images/icons
on tgt1 systemctl stop mirrord
