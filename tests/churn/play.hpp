// One history against the built daemon: three groups with three targets each, on this host and on
// two sshds, over sources that overlap and with rules that differ; the seed deals them out.
//
// play() performs the operations, faults included, and at each judge heals everything, waits by
// `mirrorctl wait` and compares every copy with what rsync would make of its source now, byte by
// byte. It is a Lab and no test: a history may be played again and again, each time in a new one.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "churn/history.hpp"
#include "churn/world.hpp"
#include "core/model.hpp"
#include "e2e/transfer_lab.hpp"

namespace mirrord::test {

class Play : public TransferLab {
 public:
  /// After an outage of everything, in a sanitizer build on a busy machine.
  static constexpr milliseconds kUntilSent{60'000};

  explicit Play(unsigned seed, milliseconds patience = kUntilSent)
      : world_(dir / "org"), patience_(patience) {
    deal_out(seed);
  }

  /// What went wrong first; empty = nothing.
  std::string play(const History& history);

 private:
  struct GroupRules {
    std::string name;
    fs::path source;
    Symlinks links = Symlinks::follow;
    std::vector<std::string> filter = {};       ///< as `filter =` takes them
    std::vector<std::string> follow_into = {};  ///< as `follow_into =`
    std::vector<std::string> targets = {};
  };

  void TestBody() override {}

  void deal_out(unsigned seed);
  void put_group(GroupRules group, const std::string& settings);

  void perform(const Operation& operation);
  void restart();
  void thaw();
  void break_rsync(unsigned number) const;
  void heal();
  void stop_host(const std::string& host);
  void start_host(const std::string& host);
  std::vector<pid_t> sessions(const std::string& host);
  void call(const char* method, const std::string& group, const std::string& target);

  std::string judge();
  std::string state();
  std::string drift() const;
  std::string drift_of(const GroupRules& group) const;
  std::string second_opinion(const GroupRules& group) const;
  std::string leaked_watches();
  std::set<std::string> watched() const;

  World world_;
  milliseconds patience_;  ///< until everything must be sent
  std::vector<GroupRules> groups_;
  std::set<std::string> down_;  ///< hosts
};

}  // namespace mirrord::test
