#include "daemon/run.hpp"

#include <algorithm>
#include <filesystem>

#include "core/config_values.hpp"
#include "daemon/child_command.hpp"
#include "io/fs_identity.hpp"
#include "io/process_reads.hpp"

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
      timeout_(target.rsync.timeout),
      user_(group.runs_as),
      ssh_(std::filesystem::path(target.ssh.program).filename()),
      look_timer_(loop.timer([this] { look(); })),
      rules_(make_rules_file(group, transfer)),
      process_(loop, make_command(group, target, transfer, list, rules_.path()),
               [this](const ProcessResult& end) { ended(end); }) {
  if (list || !reads_list(transfer.lane)) watch();
}

void Run::feed(const std::string& list, Done done) {
  done_ = std::move(done);
  started_ = loop_.now();
  paths_ = count_paths(list);
  was_standby_ = true;
  process_.feed(list);
  watch();
}

/// rsync's own --timeout ends only what is silent, and a side that waits for the other writes to
/// keep the connection alive, rsync(1). A frozen one would never be given up.
void Run::watch() {
  if (timeout_.count() != 0) loop_.arm(look_timer_, loop_.now() + timeout_);
}

void Run::look() {
  FsIdentity eyes(user_);
  const auto before = std::exchange(read_, bytes_read_by(process_.pid(), ssh_));
  still_looks_ = read_ && read_ == before ? still_looks_ + 1 : 0;
  if (still_looks_ == kMostStillLooks) return process_.terminate();
  watch();
}

void Run::ended(const ProcessResult& end) {
  RsyncEnd rsync{end.exit.status, end.exit.signal,    end.output,
                 end.error,       end.error_is_whole, deletes_};
  Result result{interpret(rsync, source_, destination_),
                end.error,
                end.output,
                end.output_is_whole,
                loop_.now() - started_,
                paths_,
                was_standby_};
  if (still_looks_ == kMostStillLooks) {
    constexpr int kTimeout = 30;  // rsync(1) EXIT VALUES
    result.outcome = failed_because("nothing has moved for " +
                                    format_duration(kMostStillLooks * timeout_) + ", given up");
    result.outcome.exit_status = kTimeout;
    result.was_standby = false;  // and no fault of its waiting
  }
  Done done = std::move(done_);
  done(result);  // may destroy this object
}

}  // namespace mirrord
