// The story of DESIGN section 1 in a temporary directory, for tests with the built daemon.
//
// A Lab owns what a test needs of it, made when first asked for: the source with its links to the
// directories of other owners, one real sshd for each remote target, a private bus, the running
// daemon. Every target's copy is a directory of this machine, so that a test can look at it. It
// decides nothing about the configuration beyond what configure() is given.
//
//   org/webmgr/contents                 the source
//   org/webmgr/contents/images   ->     org/imgcms/images
//   org/webmgr/contents/cgi-bins ->     org/cgicms/cgi-bins
//   tgt1, tgt2, …                       the copies
#pragma once

#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "support/bus_client.hpp"
#include "support/files.hpp"
#include "support/mirrord.hpp"
#include "support/private_bus.hpp"
#include "support/ssh_server.hpp"
#include "support/tree.hpp"

namespace mirrord::test {

class Lab : public testing::Test {
 protected:
  /// One group of a configuration file.
  struct GroupText {
    std::vector<std::string> targets;  ///< TOML values, as ssh_target() and local_target() give
    std::string settings = {};         ///< further lines of the group's table
    std::string name = "web";
    fs::path source = {};   ///< empty = the source of the story
    std::string file = {};  ///< empty = NAME.toml
  };

  /// Skips, with the reason, where a program that every test needs is missing.
  void SetUp() override;

  /// The source with a few files on both sides of its links.
  void make_story();

  fs::path copy(const std::string& target) const { return dir / target; }
  SshServer& server(const std::string& target);
  std::string ssh_target(const std::string& target);
  std::string local_target(const std::string& target) const;

  void configure(const GroupText& group);
  /// A file of the configuration that only its owner can write, whatever the umask.
  void put_config(const std::string& name, const std::string& text) const;
  fs::path config_dir() const { return dir / "etc"; }

  /// A setting for a group: this program in place of rsync, every @HERE@ in it filled with `dir`.
  std::string rsync_script(const std::string& text) const;

  /// On a private bus, ready.
  Mirrord& start(Arguments arguments = {}, Environment environment = {});
  void stop() { daemon.reset(); }

  PrivateBus& bus();
  BusClient& client();
  std::string target_state(const std::string& target);
  testing::AssertionResult target_becomes(const std::string& target, const std::string& state);
  testing::AssertionResult group_becomes(const std::string& state);

  /// Whether every copy comes to equal the source (and rsync agrees); prints how long `what` took.
  testing::AssertionResult arrives(const std::string& what,
                                   const std::vector<std::string>& targets);
  testing::AssertionResult arrives(const std::string& what, const std::vector<std::string>& targets,
                                   const Comparison& comparison);

  /// Whether the copy of one file comes to hold `content`.
  testing::AssertionResult holds(const fs::path& file, const std::string& content) const;

  const TempDir dir;
  fs::path source = dir / "org/webmgr/contents";
  const fs::path images = dir / "org/imgcms/images";
  const fs::path cgi_bins = dir / "org/cgicms/cgi-bins";

  // The daemon is declared last, so that it ends before what it talks to.
  std::map<std::string, std::unique_ptr<SshServer>> servers;
  std::optional<PrivateBus> bus_;
  std::optional<BusClient> client_;
  std::unique_ptr<Mirrord> daemon;
};

}  // namespace mirrord::test
