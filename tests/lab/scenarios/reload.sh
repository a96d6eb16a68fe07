# systemctl reload: a difference, all or nothing, from a file that an editor has just written.

# The second target comes later.
configure
on org sed -i '/tgt2/d' /etc/mirrord/web.toml
start_mirrord
all_arrives tgt1
pid=$(main_pid)

step 'a bad file is refused with its place, and changes nothing'
on org sed -i 's/^user .*/usr = "webmgr"/' /etc/mirrord/web.toml
refuses on org systemctl reload mirrord
logged --grep '/etc/mirrord/web.toml:3:1: .*usr'
logged MESSAGE_ID=0fcffd77dfa94a59ac3946eeb6d3bb7c
logged CONFIG_FILE=/etc/mirrord/web.toml CONFIG_LINE=3 CONFIG_COLUMN=1
refuses on org mirrorctl reload
says "$refusal" '/etc/mirrord/web.toml:3:1'
is_active
write $contents/index.html 'after the refusal'
all_arrives tgt1

step 'the catalog explains it'
says "$(journal org --catalog MESSAGE_ID=0fcffd77dfa94a59ac3946eeb6d3bb7c)" 'The configuration was refused'

step 'a mended one with another target fills that target; the first goes on'
transfers=$(property /org/mirrord1/target/web/tgt1_2ehost_2elocal org.mirrord1.Target Transfers)
configure
on org systemctl reload mirrord
all_arrives tgt2
[[ $(property /org/mirrord1/target/web/tgt1_2ehost_2elocal org.mirrord1.Target Transfers) == "$transfers" ]]
logged MESSAGE_ID=52099d5966254f57b51d689e4f2cdbc8

step 'a group that was added is watched when the reload returns'
on org tee /etc/mirrord/logs.toml >/dev/null <<TOML
[groups.logs]
source = "/home/imgcms"
user = "imgcms"
targets = ["webmgr@tgt1.host.local:/home/webmgr/further"]
TOML
on org systemctl reload mirrord
[[ $(property /org/mirrord1/group/logs org.mirrord1.Group State) == '"watching"' ]]
on org systemctl is-active --quiet mirrord
on org rm /etc/mirrord/logs.toml
on org systemctl kill --signal HUP mirrord
within 10 refuses property /org/mirrord1/group/logs org.mirrord1.Group State
[[ $(main_pid) == "$pid" ]]
