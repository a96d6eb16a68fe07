// mirrorctl doctor finds each fault that it names: here they are caused, one by one.
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class Doctor : public Lab {
 protected:
  void SetUp() override {
    Lab::SetUp();
    if (IsSkipped()) return;
    make_story();
    target = ssh_target("tgt1");
    configure({.targets = {target}});
  }

  /// The daemon is not asked: what is tested here is what the doctor sees itself.
  Arguments doctor_arguments(const Arguments& more = {}) const {
    Arguments all{"--bus", "unix:path=" + (dir / "no-bus").native(), "doctor", "--config-dir",
                  config_dir()};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  Finished doctor(const Arguments& more = {}) const {
    return run_mirrorctl(doctor_arguments(more));
  }

  /// It is a person who accepts a host key, so the answer comes by standard input.
  Finished trusting(const std::string& answer, const Environment& environment = {}) const {
    Arguments all{"bash", "-c",   "answer=$1; shift; echo \"$answer\" | \"$@\"",
                  "bash", answer, mirrorctl_program()};
    const Arguments doctor = doctor_arguments({"--trust"});
    all.insert(all.end(), doctor.begin(), doctor.end());
    return run(all, environment);
  }

  void finds(const std::string& fault) const {
    const Finished found = doctor();
    EXPECT_EQ(1, found.status) << found.out << found.err;
    EXPECT_TRUE(contains(found.out, "FAIL")) << found.out;
    EXPECT_TRUE(contains(found.out, fault)) << found.out << found.err;
  }

  /// What is no failure, but worth a line.
  void warns_of(const std::string& fault, const Arguments& wrapper = {}) const {
    Arguments all = wrapper;
    all.push_back(mirrorctl_program());
    const Arguments arguments = doctor_arguments();
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Finished found = run(all);
    EXPECT_EQ(0, found.status) << found.out << found.err;
    EXPECT_TRUE(contains(found.out, fault)) << found.out << found.err;
  }

  /// The target with a program in place of the rsync there.
  void with_remote_program(const std::string& script) {
    write_script(dir / "remote-rsync", script);
    configure(
        {.targets = {target},
         .settings = "rsync = { remote_program = \"" + (dir / "remote-rsync").native() + "\" }\n"});
  }

  std::string target;
};

TEST_F(Doctor, FindsNothingWhereAllIsWell) {
  const Finished healthy = doctor();
  EXPECT_EQ(0, healthy.status) << healthy.out << healthy.err;
  EXPECT_FALSE(contains(healthy.out, "FAIL")) << healthy.out;
  for (const auto* found : {"can be read by user", "@127.0.0.1 works, ", "on the target",
                            "can be written", "2 of 2 links"})
    EXPECT_TRUE(contains(healthy.out, found)) << found << " in\n" << healthy.out;
}

TEST_F(Doctor, AsksTheDaemonWhatItSees) {
  start();
  Finished asked =
      run_mirrorctl({"--bus", bus().address(), "doctor", "--config-dir", config_dir()});
  EXPECT_EQ(0, asked.status) << asked.out;
  EXPECT_TRUE(contains(asked.out, "watched directories: 5, the limit is")) << asked.out;
  fs::rename(source, dir / "gone");
  ASSERT_TRUE(group_becomes("source-missing"));
  asked = run_mirrorctl({"--bus", bus().address(), "doctor", "--config-dir", config_dir()});
  EXPECT_EQ(1, asked.status);
  EXPECT_TRUE(contains(asked.out, "the daemon cannot see the source")) << asked.out;
}

// As ProtectSystem= and ReadWritePaths= of a unit do it, systemd.exec(5).
TEST_F(Doctor, TargetIsShutForTheService) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has mount namespaces";
  fs::create_directories(copy("shut"));
  fs::create_directories(copy("other"));
  configure({.targets = {local_target("shut"), local_target("other"), local_target("open")}});
  const std::string view =
      "mount --bind \"$0/shut\" \"$0/shut\" && mount -o remount,bind,ro \"$0/shut\""
      " && mount -t tmpfs none \"$0/other\" && exec \"$@\"";
  daemon = std::make_unique<Mirrord>(
      dir, Mirrord::Options{.config_dir = config_dir(),
                            .bus = bus().address(),
                            .wrapper = {"unshare", "-m", "sh", "-c", view, copy("").native()}});
  daemon->wait_ready();
  const Finished found =
      run_mirrorctl({"--bus", bus().address(), "doctor", "--config-dir", config_dir()});
  EXPECT_EQ(1, found.status) << found.out << found.err;
  EXPECT_TRUE(contains(found.out, copy("shut").native() + "' is read-only for the service"))
      << found.out;
  EXPECT_TRUE(contains(found.out, "sees another file system at '" + copy("other").native()))
      << found.out;
  EXPECT_FALSE(contains(found.out, copy("open").native() + "' is read-only")) << found.out;
}

TEST_F(Doctor, ConfigurationIsRefused) {
  put_config("bad.toml", "[groups.bad]\nsource = \"relative\"\ntargets = [\"/x\"]\n");
  finds((config_dir() / "bad.toml").native() + ":2:");
}

TEST_F(Doctor, DaemonCannotBeAsked) { warns_of("what it sees is not checked"); }

TEST_F(Doctor, WatchLimitIsNear) {
  const std::string limited = "echo 6 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
  const Arguments wrapper{"unshare", "--user", "--map-root-user", "sh", "-c", limited, "sh"};
  Arguments probe = wrapper;
  probe.push_back("true");
  if (run(probe).status != 0) GTEST_SKIP() << "no user namespace here";
  start();
  Arguments all = wrapper;
  all.insert(all.end(), {mirrorctl_program(), "--bus", bus().address(), "doctor", "--config-dir",
                         config_dir()});
  const Finished found = run(all);
  EXPECT_TRUE(contains(found.out, "watched directories: 5, the limit is 6")) << found.out;
  EXPECT_TRUE(contains(found.out, "raise it: sysctl user.max_inotify_watches=")) << found.out;
}

TEST_F(Doctor, SourceIsGone) {
  fs::rename(source, dir / "gone");
  finds("cannot be read by user");
  EXPECT_FALSE(contains(doctor().out, "links lead")) << doctor().out;
}

TEST_F(Doctor, SourceIsNoDirectory) {
  write_file(dir / "file", "a file in place of the source\n");
  configure({.targets = {target}, .source = dir / "file"});
  finds("source '" + (dir / "file").native() + "' is no directory");
  EXPECT_TRUE(contains(doctor().out, "which is no directory")) << "the configuration's warning";
}

TEST_F(Doctor, SourceIsNotForThatUser) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  configure({.targets = {target}, .settings = "user = \"nobody\"\n"});
  change_mode(source, 0700);
  finds("cannot be read by user 'nobody': Permission denied");
}

TEST_F(Doctor, AsJson) {
  fs::create_symlink("/nowhere/at/all", source / "dangling");
  const Finished found = doctor({"--json"});
  EXPECT_EQ(0, found.status);
  const auto answer = nlohmann::json::parse(found.out);
  EXPECT_TRUE(answer.at("healthy").get<bool>());
  bool warned = false;
  for (const auto& check : answer.at("checks"))
    warned |= check.at("result") == "warning" &&
              contains(check.at("what").get<std::string>(), "'dangling'");
  EXPECT_TRUE(warned) << found.out;
}

TEST_F(Doctor, LinkLeadsOutOfReach) {
  fs::create_symlink("/nowhere/at/all", source / "dangling");
  const Finished found = doctor();
  EXPECT_EQ(0, found.status) << "it is only left out";
  EXPECT_TRUE(contains(found.out, "link 'dangling' leads out of reach")) << found.out;
  configure({.targets = {target}, .settings = "follow_into = [\"" + images.native() + "\"]\n"});
  EXPECT_TRUE(contains(doctor().out, "is out of 'follow_into'"));
}

TEST_F(Doctor, HookCannotBeRun) {
  const fs::path hook = dir / "hook";
  configure(
      {.targets = {target}, .settings = "hooks = { after_sync = [\"" + hook.native() + "\"] }\n"});
  const std::string fault =
      "web: hook '" + hook.native() + "' cannot be run by user '" + login() + "'";
  finds(fault);
  write_file(hook, "#!/bin/sh\n");
  finds(fault);
  write_script(hook, "#!/bin/sh\n");
  const Finished found = doctor();
  EXPECT_EQ(0, found.status) << found.out;
  EXPECT_TRUE(contains(found.out, "web: hook '" + hook.native() + "' can be run")) << found.out;
}

TEST_F(Doctor, TargetIsWhereALinkLeads) {
  fs::create_symlink(dir.path(), source / "up");
  const std::string fault =
      "web/copy: the target and the directory that the link 'up' leads to overlap";
  configure({.targets = {target, local_target("copy")}});
  finds(fault);
  EXPECT_EQ(0, doctor({"web/tgt1"}).status) << "the copy of another host is none of it";
  for (const std::string mended : {"exclude = [\"/up\"]\n", "symlinks = \"preserve\"\n"}) {
    configure({.targets = {local_target("copy")}, .settings = mended});
    const Finished found = doctor();
    EXPECT_EQ(0, found.status) << found.out;
    EXPECT_FALSE(contains(found.out, fault)) << found.out;
  }
}

TEST_F(Doctor, LinkLeadsToWhatTheUserCannotRead) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  write_file(dir / "org/secret", "secret\n");
  change_mode(dir / "org/secret", 0600);
  fs::create_symlink("../../secret", source / "secret");
  fs::create_directory(copy("copy"));
  change_mode(copy("copy"), 0777);
  configure({.targets = {local_target("copy")}, .settings = "user = \"nobody\"\n"});
  warns_of("link 'secret' leads out of reach: '" + (dir / "org/secret").native() +
           "' cannot be read");
}

TEST_F(Doctor, NobodyListens) {
  server("tgt1").stop();
  finds("no connection: ");
}

TEST_F(Doctor, LoginIsRefused) {
  fs::remove(server("tgt1").identity_file());
  run_ok({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", server("tgt1").identity_file()});
  finds("the login is refused");
}

/// ssh tells of a key that it cannot reach before it tells that nobody listens.
TEST_F(Doctor, NobodyListensWhereTheKeyCannotBeReached) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  fs::create_directory(dir / "shut");
  change_mode(dir / "shut", 0700);
  const std::string key = "identity_file = \"" + (dir / "shut/key").native() + "\"";
  const std::string port = ", port = " + std::to_string(server("tgt1").port());
  server("tgt1").stop();
  for (const std::string to : {"127.0.0.1:/copy", "nosuch.invalid:/copy"}) {
    configure({.targets = {'"' + to + '"'},
               .settings = "user = \"nobody\"\nssh = { " + key + port + " }\n"});
    finds("no connection: ssh: ");
    EXPECT_FALSE(contains(doctor().out, "is refused"));
  }
}

TEST_F(Doctor, OthersCanReadTheKey) {
  change_mode(server("tgt1").identity_file(), 0644);
  finds("cannot be used by user '" + login() + "': others can read it\n      chmod 600 " +
        server("tgt1").identity_file().native());
  finds("the login is refused: ");
}

TEST_F(Doctor, TheKeyHasAPassphrase) {
  run_ok(
      {"ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", server("tgt1").identity_file()});
  finds("it has a passphrase, and nobody is there to type it");
}

TEST_F(Doctor, TheKeyIsNone) {
  write_file(server("tgt1").identity_file(), "no key\n");
  finds("the key '" + server("tgt1").identity_file().native() + "' cannot be used by user");
}

TEST_F(Doctor, TheKeyIsADirectoryOrThePublicOne) {
  const fs::path key = server("tgt1").identity_file(), pair = dir / "pair";
  fs::rename(key, pair);
  fs::create_directory(key);
  finds("it is a directory\n      name the key in it");
  const auto named = [&](const fs::path& file) {
    configure({.targets = {"\"127.0.0.1:/copy\""},
               .settings = "ssh = { identity_file = \"" + file.native() + "\", port = " +
                           std::to_string(server("tgt1").port()) + ", known_hosts_file = \"" +
                           server("tgt1").known_hosts_file().native() + "\" }\n"});
  };
  fs::rename(key.native() + ".pub", pair.native() + ".pub");
  named(pair.native() + ".pub");
  fs::remove(pair);
  finds("this is the public key\n      name " + pair.native() + '\n');
}

/// Not the one of [.ssh], but of the user's own settings.
TEST_F(Doctor, TheKeyOfTheSshConfigurationIsLookedAt) {
  const SshServer& there = server("tgt1");
  write_file(dir / "ssh_config", "Host *\n  Port " + std::to_string(there.port()) +
                                     "\n  IdentityFile " + there.identity_file().native() +
                                     "\n  UserKnownHostsFile " + there.known_hosts_file().native() +
                                     "\n");
  change_mode(there.identity_file(), 0644);
  configure({.targets = {"\"127.0.0.1:/copy\""},
             .settings = "ssh = { config_file = \"" + (dir / "ssh_config").native() + "\" }\n"});
  finds("the key '" + there.identity_file().native() + "' cannot be used by user");
}

TEST_F(Doctor, HostKeyHasChangedAndTheAdviceForgetsIt) {
  const std::string known = read_file(server("tgt1").known_hosts_file());
  run_ok({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir / "other-key"});
  const std::string host = known.substr(0, known.find(' '));
  write_file(server("tgt1").known_hosts_file(), host + ' ' + read_file(dir / "other-key.pub"));
  finds("the host key is another one than the known one");
  const std::string advised = doctor().out;
  const size_t command = advised.find("ssh-keygen -R");
  ASSERT_NE(std::string::npos, command) << advised;
  run_ok({"sh", "-c", advised.substr(command, advised.find(" &&", command) - command)});
  finds("the host key is not known to user");
}

TEST_F(Doctor, RsyncIsMissingThere) {
  configure({.targets = {target}, .settings = "rsync = { remote_program = \"/no/rsync\" }\n"});
  finds("there is no rsync on the target");
}

TEST_F(Doctor, RsyncIsMissingHere) {
  configure({.targets = {target}, .settings = "rsync = { program = \"/no/rsync\" }\n"});
  finds("/no/rsync");
}

TEST_F(Doctor, RsyncRefusesItsSettings) {
  const auto refused = [&](const std::string& to, const std::string& setting,
                           const std::string& words) {
    SCOPED_TRACE(to + setting);
    configure({.targets = {to}, .settings = "rsync = { " + setting + " }\n"});
    finds("rsync refuses its settings: " + words);
  };
  for (const auto& to : {target, local_target("copy")}) {
    refused(to, "chmod = \"zzz\"", "rsync: Invalid argument passed to --chmod (zzz)");
    refused(to, "options = [\"--nosuch\"]", "rsync: --nosuch: unknown option");
    refused(to, "options = [\"--contimeout=5\"]", "The --contimeout option may only be used");
  }
  // By the other side: over ssh its words may get lost.
  refused(local_target("copy"), "options = [\"--remote-option=--nosuch\"]",
          "rsync: on remote machine: --nosuch: unknown option");
  refused(local_target("copy"), "options = [\"--temp-dir=/no/such\"]",
          "The temp-dir does not exist: /no/such");
}

/// A log of the transfers is no place for what is only tried.
TEST_F(Doctor, TriesSettingsThatRsyncTakesAndWritesNothing) {
  const std::string log = (dir / "rsync.log").native();
  for (const auto* name : {"tgt1", "copy"}) fs::create_directories(copy(name) / "in/it");
  configure({.targets = {target, local_target("copy")},
             .settings = "rsync = { inplace = true, numeric_ids = true, options = "
                         "[\"--temp-dir=in/it\", \"--log-file=" +
                         log + "\"] }\n"});
  const Finished found = doctor();
  EXPECT_EQ(0, found.status) << found.out << found.err;
  EXPECT_TRUE(contains(found.out, "web/copy: rsync takes its settings")) << found.out;
  EXPECT_TRUE(contains(found.out, "web/tgt1: rsync takes its settings")) << found.out;
  EXPECT_FALSE(fs::exists(log));
}

TEST_F(Doctor, ShellIsNoisy) {
  with_remote_program("#!/bin/sh\necho Welcome to this host\nexec rsync \"$@\"\n");
  finds("prints text of its own");
}

TEST_F(Doctor, RsyncThereIsOld) {
  with_remote_program(
      "#!/bin/sh\n[ \"$1\" = --version ] || exec rsync \"$@\"\n"
      "echo 'rsync  version 3.0.9  protocol version 30'\n");
  const Finished found = doctor();
  EXPECT_EQ(0, found.status) << found.out;
  EXPECT_TRUE(contains(found.out, "rsync 3.0.9 on the target is old")) << found.out;
}

TEST_F(Doctor, RsyncHereIsOld) {
  write_script(dir / "old-rsync", "#!/bin/sh\necho 'rsync  version 3.0.9  protocol version 30'\n");
  configure({.targets = {target},
             .settings = "rsync = { program = \"" + (dir / "old-rsync").native() + "\" }\n"});
  warns_of("rsync 3.0.9 on this host is old");
}

/// As nologin(8) and an sshd for sftp do.
TEST_F(Doctor, TheLoginHasNoShell) {
  const fs::path keys = server("tgt1").authorized_keys_file();
  const std::string key = read_file(keys);
  write_file(keys, "command=\"echo This account is currently not available.; exit 1\" " + key);
  finds("the login has no usable shell; it answered: 'This account is currently not available.'");
  EXPECT_FALSE(contains(doctor().out, "warn  web/tgt1")) << doctor().out;
  // As rssh(1) does, for which a shell is not needed.
  write_script(
      dir / "only-rsync",
      "#!/bin/sh\ncase $SSH_ORIGINAL_COMMAND in\n"
      "  *--server*) exec $SSH_ORIGINAL_COMMAND ;;\n  *) echo Only rsync; exit 1 ;;\nesac\n");
  write_file(keys, "command=\"" + (dir / "only-rsync").native() + "\" " + key);
  const Finished only_rsync = doctor();
  EXPECT_EQ(0, only_rsync.status) << only_rsync.out;
  EXPECT_TRUE(contains(only_rsync.out, "rsync takes its settings")) << only_rsync.out;
  with_remote_program("#!/bin/sh\necho 'I am no rsync.'\nexit 1\n");
  write_file(keys, key);
  finds("what answers there is no rsync");
}

TEST_F(Doctor, CommandIsForced) {
  const fs::path keys = server("tgt1").authorized_keys_file();
  write_file(keys, "command=\"echo refused >&2; exit 1\" " + read_file(keys));
  warns_of("does not tell its version");
  warns_of("can be written is not known");
}

TEST_F(Doctor, LoginIsSlow) {
  with_remote_program("#!/bin/sh\nsleep 2.1\nexec rsync \"$@\"\n");
  warns_of("look at UseDNS in its sshd_config");
}

TEST_F(Doctor, TargetIsNotWritable) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can be a user who may not write";
  configure({.targets = {local_target("shut/copy")}, .settings = "user = \"nobody\"\n"});
  fs::create_directory(dir / "shut");
  finds("cannot be written by user 'nobody': Permission denied\n      give it to user 'nobody'");
  write_file(copy("tgt1"), "a file in place of the directory");
  configure({.targets = {target, local_target("tgt1/below")}});
  finds("web/tgt1: '" + copy("tgt1").native() + "' is a file");
  finds("/below: '" + copy("tgt1").native() + "' is a file");
}

/// Both kinds of targets are looked at where a script has changed the mounts: this ssh stays here.
TEST_F(Doctor, TargetIsFullOrReadOnly) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root has mount namespaces";
  for (const auto* name : {"far", "near"}) fs::create_directory(copy(name));
  write_script(dir / "ssh", "#!/bin/sh\nfor command; do :; done\nexec sh -c \"$command\"\n");
  configure({.targets = {"\"joe@far:" + copy("far").native() + '"', local_target("near")},
             .settings = "ssh = { program = \"" + (dir / "ssh").native() + "\" }\n"});
  const auto doctor_after = [&](const std::string& change) {
    const std::string script =
        "for copy in \"$0/far\" \"$0/near\"; do " + change + "; done >/dev/null 2>&1; exec \"$@\"";
    Arguments all{"unshare", "-m", "sh", "-c", script, copy("").native(), mirrorctl_program()};
    const Arguments doctor = doctor_arguments();
    all.insert(all.end(), doctor.begin(), doctor.end());
    const Finished found = run(all);
    EXPECT_EQ(1, found.status) << found.out << found.err;
    return found.out;
  };
  const std::string full =
      doctor_after("mount -t tmpfs -o size=64k none \"$copy\"; cat /dev/zero >\"$copy/filler\"");
  const std::string without_inodes = doctor_after(
      "mount -t tmpfs -o nr_inodes=9 none \"$copy\"; i=0; "
      "while touch \"$copy/$i\"; do i=$((i + 1)); done");
  const std::string shut = doctor_after("mount -t tmpfs -o ro none \"$copy\"");
  for (const auto* name : {"far", "near"}) {
    const std::string cannot = '\'' + copy(name).native() + "' cannot be written";
    EXPECT_TRUE(contains(full, cannot + ": no space left there")) << full;
    EXPECT_TRUE(contains(without_inodes, cannot + ": no space left there")) << without_inodes;
    EXPECT_TRUE(contains(shut, cannot)) << shut;
  }
  EXPECT_TRUE(contains(shut, "by the login: Read-only file system\n      mount it anew")) << shut;
  EXPECT_TRUE(contains(full, "ok    web/far: login to joe@far works")) << full;
}

TEST_F(Doctor, SaysWhatHasFailedForTheDaemon) {
  configure({.targets = {local_target("copy"), local_target("other")},
             .settings = "rsync = { options = [\"--temp-dir=/no/such\"] }\n"});
  start();
  ASSERT_TRUE(target_becomes("copy", "retrying"));
  const Finished found =
      run_mirrorctl({"--bus", bus().address(), "doctor", "web/copy", "--config-dir", config_dir()});
  EXPECT_TRUE(contains(found.out, "warn  web/copy: the daemon says: rsync exited")) << found.out;
  EXPECT_FALSE(contains(found.out, "web/other")) << found.out;
}

TEST_F(Doctor, UnknownHostKeyIsFoundAndTrusted) {
  const fs::path known_hosts = server("tgt1").known_hosts_file();
  fs::remove(known_hosts);
  finds("the host key is not known to user");
  finds("mirrorctl --bus unix:path=" + (dir / "no-bus").native() + " doctor --trust --config-dir " +
        config_dir().native() + " shows it");

  const Finished refused = trusting("no");
  EXPECT_EQ(1, refused.status) << refused.out;
  EXPECT_TRUE(contains(refused.out, "SHA256:")) << refused.out;
  EXPECT_FALSE(fs::exists(known_hosts));

  const Finished accepted = trusting("yes");
  EXPECT_EQ(0, accepted.status) << accepted.out << accepted.err;
  EXPECT_TRUE(contains(read_file(known_hosts), "ssh-ed25519")) << read_file(known_hosts);
  EXPECT_EQ(0, doctor().status);
}

TEST_F(Doctor, TrustBeginsALineOfItsOwn) {
  const fs::path known_hosts = server("tgt1").known_hosts_file();
  write_file(known_hosts, "# the last line is open");
  ASSERT_EQ(0, trusting("yes").status);
  EXPECT_TRUE(read_file(known_hosts).starts_with("# the last line is open\n"))
      << read_file(known_hosts);
  EXPECT_EQ(0, doctor().status);
}

/// Its ssh runs commands of the user's while root waits for the key.
TEST_F(Doctor, TrustReadsOnlyWhatTheUserCan) {
  if (::geteuid() != 0) GTEST_SKIP() << "root decides what others can read";
  const fs::path home = dir / "home", secret = dir / "secret", bait = dir / "bait";
  fs::create_directory(home);
  change_mode(home, 0777);
  write_file(secret, "root:secret\n");
  change_mode(secret, 0600);
  write_script(bait,
               "#!/bin/bash\n"
               "for place in /tmp/mirrorctl-*/; do ln -sfn " +
                   secret.native() + " \"$place/known_hosts\" 2>/dev/null; done\n" +
                   "exec 3<>/dev/tcp/127.0.0.1/" + std::to_string(server("tgt1").port()) +
                   "\ncat <&3 &\ncat >&3\n");
  write_file(home / "ssh_config", "Host *\n  ProxyCommand " + bait.native() + '\n');
  configure({.targets = {"\"127.0.0.1:/copy\""},
             .settings = "user = \"nobody\"\nssh = { config_file = \"" +
                         (home / "ssh_config").native() + "\", known_hosts_file = \"" +
                         (home / "known_hosts").native() + "\" }\n"});
  finds("the host key is not known to user 'nobody'");
  const Finished asked = trusting("yes");
  EXPECT_EQ(1, asked.status) << asked.out << asked.err;
  EXPECT_EQ("", read_file(home / "known_hosts"));
  EXPECT_EQ("root:secret\n", read_file(secret));
}

TEST_F(Doctor, TrustAsksNothingWithoutAFingerprint) {
  fs::remove(server("tgt1").known_hosts_file());
  write_script(dir / "bin/ssh-keygen", "#!/bin/sh\nexit 1\n");
  const Finished asked =
      trusting("yes", {{"PATH", (dir / "bin").native() + ':' + std::getenv("PATH")}});
  EXPECT_EQ(1, asked.status) << asked.out << asked.err;
  EXPECT_TRUE(contains(asked.out, "its key cannot be shown")) << asked.out;
  EXPECT_FALSE(fs::exists(server("tgt1").known_hosts_file()));
}

TEST_F(Doctor, NeverTrustsAChangedKey) {
  run_ok({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", dir / "other-key"});
  const fs::path known_hosts = server("tgt1").known_hosts_file();
  const std::string known = read_file(known_hosts);
  const std::string wrong =
      known.substr(0, known.find(' ')) + ' ' + read_file(dir / "other-key.pub");
  write_file(known_hosts, wrong);
  EXPECT_EQ(1, doctor({"--trust"}).status);
  EXPECT_EQ(wrong, read_file(known_hosts));
}

TEST_F(Doctor, LooksOnlyAtWhatIsSelected) {
  configure({.targets = {target, local_target("copy")}});
  server("tgt1").stop();
  EXPECT_EQ(0, doctor({"web/copy"}).status);
  EXPECT_EQ(1, doctor({"web"}).status);
  EXPECT_EQ(1, doctor({"nosuch"}).status);
  EXPECT_EQ(1, doctor({"web/nosuch"}).status);
}

/// A port that was free a moment ago.
std::string free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  EXPECT_EQ(0, ::bind(socket, generic, size));
  EXPECT_EQ(0, ::getsockname(socket, generic, &size));
  ::close(socket);
  return std::to_string(ntohs(address.sin_port));
}

/// A real rsync daemon with one module of each kind.
class DoctorOfADaemon : public Doctor {
 protected:
  void SetUp() override {
    Doctor::SetUp();
    if (IsSkipped()) return;
    fs::create_directory(dir / "module");
    write_private(dir / "secrets", "joe:secret\n");
    write_private(dir / "password", "secret\n");
    const std::string path = "path = " + (dir / "module").native() + "\n";
    write_file(dir / "rsyncd.conf",
               "address = 127.0.0.1\nport = " + port + "\nuse chroot = no\npid file = " +
                   (dir / "rsyncd.pid").native() + "\n[open]\nread only = no\n" + path +
                   "[shut]\nread only = yes\n" + path + "[ours]\nread only = no\n" +
                   "auth users = joe\nsecrets file = " + (dir / "secrets").native() + "\n" + path +
                   "[lost]\nread only = no\npath = /no/such/directory\n");
    run_ok({"rsync", "--daemon", "--config=" + (dir / "rsyncd.conf").native()});
    ASSERT_TRUE(wait_until([&] { return run({"rsync", url("")}).status == 0; }));
  }

  void TearDown() override {
    stop_daemon();
    Doctor::TearDown();
  }

  void stop_daemon() {
    if (!fs::exists(dir / "rsyncd.pid")) return;
    const pid_t pid = std::stoi(read_file(dir / "rsyncd.pid"));
    ::kill(pid, SIGTERM);
    EXPECT_TRUE(wait_until([&] { return !process_exists(pid); }));
  }

  static void write_private(const fs::path& file, const std::string& text) {
    write_file(file, text);
    change_mode(file, 0600);
  }

  std::string url(const std::string& rest, const std::string& login = "") const {
    return "rsync://" + login + "127.0.0.1:" + port + '/' + rest;
  }
  void mirror_to(const std::string& to) { configure({.targets = {'"' + to + '"'}}); }
  void mirror_with_password() {
    configure(
        {.targets = {'"' + url("ours/web", "joe@") + '"'},
         .settings = "rsync = { password_file = \"" + (dir / "password").native() + "\" }\n"});
  }

  std::string port = free_port();
};

TEST_F(DoctorOfADaemon, FindsNothingWhereAllIsWellAndWritesNothing) {
  mirror_to(url("open/web"));
  Finished found = doctor();
  EXPECT_EQ(0, found.status) << found.out << found.err;
  EXPECT_TRUE(contains(found.out, "module 'open' takes uploads")) << found.out;
  mirror_with_password();
  found = doctor();
  EXPECT_EQ(0, found.status) << found.out << found.err;
  EXPECT_TRUE(fs::is_empty(dir / "module"));
}

TEST_F(DoctorOfADaemon, ModuleIsMissingOrShut) {
  mirror_to(url("nosuch/web"));
  finds("has no module 'nosuch'");
  mirror_to(url("shut/web"));
  finds("module 'shut' is read only");
  mirror_to(url("lost/web"));
  finds("the rsync daemon refuses: @ERROR: chdir failed");
}

TEST_F(DoctorOfADaemon, OnlyTheLastDirectoryIsMadeThere) {
  mirror_to(url("open/a/b/c/"));
  finds("there is no directory 'a/b' in module 'open'");
  fs::create_directories(dir / "module/a/b");
  EXPECT_EQ(0, doctor().status);
  mirror_to(url("open/a"));
  EXPECT_EQ(0, doctor().status);
}

TEST_F(DoctorOfADaemon, PasswordIsMissingOrWrongOrReadByOthers) {
  mirror_to(url("ours/web", "joe@"));
  finds("module 'ours' refuses the login");
  mirror_with_password();
  change_mode(dir / "password", 0644);
  finds("password file must not be other-accessible");
  write_private(dir / "password", "another\n");
  finds("module 'ours' refuses the login: the password in '" + (dir / "password").native() +
        "', or the login 'joe', is not accepted");
  fs::remove(dir / "password");
  finds("could not open password file");
}

TEST_F(DoctorOfADaemon, RsyncRefusesItsSettings) {
  configure({.targets = {'"' + url("open/web") + '"'}, .settings = "rsync.chmod = \"zzz\"\n"});
  finds("rsync refuses its settings: rsync: Invalid argument passed to --chmod");
  configure({.targets = {'"' + url("open/web") + '"'},
             .settings = "rsync.options = [\"--contimeout=5\"]\n"});
  EXPECT_EQ(0, doctor().status) << "that is for a daemon";
}

TEST_F(DoctorOfADaemon, NobodyListens) {
  mirror_to(url("open/web"));
  stop_daemon();
  finds("no rsync daemon answers: ");
}

}  // namespace
}  // namespace mirrord::test
