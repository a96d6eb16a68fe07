#include "io/rsync_run.hpp"

#include <gtest/gtest.h>

#include "core/file_list.hpp"
#include "core/rsync_result.hpp"
#include "io/loop.hpp"

namespace mirrord::test {

Mirror::Mirror() {
  fs::create_directory(src());
  fs::create_directory(dst());
  group.source = dir_ / "src";
  target.destination.path = dir_ / "dst";
}

ProcessResult Mirror::run(Transfer transfer, const std::vector<std::string>& changed) {
  auto probe = [&](const std::string& path) {
    fs::file_status status =
        group.symlinks == Symlinks::follow ? fs::status(src(path)) : fs::symlink_status(src(path));
    return !fs::exists(status)        ? Entry::missing
           : fs::is_directory(status) ? Entry::directory
                                      : Entry::other;
  };
  std::string rules = filter_rules(group, transfer);
  transfer.rules_file = rules.empty() ? "" : dir_ / "rules";
  if (!rules.empty()) write_file(transfer.rules_file, rules);
  Command command;
  command.argv = rsync_command(group, target, transfer);
  command.environment = child_environment(current_user());
  Missing missing =
      transfer.can.deletes_missing_args() ? Missing::listed : Missing::by_directory;
  command.input = build_file_list(changed, probe, depth_of(transfer.lane), missing).text;
  std::optional<ProcessResult> result;
  Process process(loop_, command, [&](ProcessResult r) { result = std::move(r); });
  EXPECT_TRUE(run_until(loop_, [&] { return result.has_value(); }));
  return result.value_or(ProcessResult{});
}

Outcome Mirror::outcome_of(const ProcessResult& result) const {
  return interpret({result.exit.status, result.exit.signal, result.output, result.error},
                   group.source, target.destination.path);
}

Outcome Mirror::sync(const Transfer& transfer, const std::vector<std::string>& changed) {
  ProcessResult result = run(transfer, changed);
  Outcome outcome = outcome_of(result);
  EXPECT_EQ(outcome.verdict, Verdict::done) << outcome.text << '\n' << result.error;
  return outcome;
}

}  // namespace mirrord::test
