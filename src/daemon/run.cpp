#include "daemon/run.hpp"

#include <algorithm>

#include "daemon/child_command.hpp"

namespace mirrord {

namespace {

constexpr size_t kVerifyOutput = 4 * 1024 * 1024;

PrivateFile make_rules_file(const Group& group, const Transfer& transfer) {
  std::string rules = filter_rules(group, transfer);
  return rules.empty() ? PrivateFile() : PrivateFile(group.runs_as, rules);
}

Command make_command(const Group& group, const Target& target, Transfer transfer,
                     const std::optional<std::string>& list, const std::string& rules_file) {
  transfer.rules_file = rules_file;
  Command command = child_command(group, rsync_command(group, target, transfer));
  command.input = list.value_or("");
  command.waits_for_input = !list && reads_list(transfer.lane);
  if (transfer.lane == Lane::verify) command.output_limit = kVerifyOutput;
  return command;
}

size_t count_paths(const std::string& list) {
  return static_cast<size_t>(std::ranges::count(list, '\0'));
}

}  // namespace

Run::Run(Loop& loop, const Group& group, const Target& target, const Transfer& transfer,
         std::optional<std::string> list, Done done)
    : loop_(loop),
      source_(group.source),
      destination_(target.destination.path),
      control_path_(transfer.control_path),
      done_(std::move(done)),
      started_(loop.now()),
      paths_(list ? count_paths(*list) : 0),
      deletes_(deletes(group, transfer.lane)),
      rules_(make_rules_file(group, transfer)),
      process_(loop, make_command(group, target, transfer, list, rules_.path()),
               [this](const ProcessResult& end) { ended(end); }) {}

void Run::feed(const std::string& list, Done done) {
  done_ = std::move(done);
  started_ = loop_.now();
  paths_ = count_paths(list);
  was_standby_ = true;
  process_.feed(list);
}

void Run::ended(const ProcessResult& end) {
  RsyncEnd rsync{end.exit.status, end.exit.signal,    end.output,
                 end.error,       end.error_is_whole, deletes_};
  Result result{interpret(rsync, source_, destination_), end.error, end.output, end.output_is_whole,
                loop_.now() - started_, paths_, was_standby_};
  Done done = std::move(done_);
  done(result);  // may destroy this object
}

}  // namespace mirrord
