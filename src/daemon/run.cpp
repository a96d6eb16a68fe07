#include "daemon/run.hpp"

#include <algorithm>
#include <filesystem>

#include "core/config_values.hpp"
#include "daemon/child_command.hpp"
#include "io/fs_identity.hpp"
#include "io/process_traffic.hpp"

namespace mirrord {

namespace {

constexpr size_t kVerifyOutput = 4 * 1024 * 1024;
constexpr size_t kMostComplaints = 4 * 1024 * 1024;  // a line for each path of a batch

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
  command.error_limit = kMostComplaints;
  if (transfer.lane == Lane::verify) command.output_limit = kVerifyOutput;
  return command;
}

/// How often nothing may have moved, looked at after each `timeout`, before it is given up; 0 = for
/// ever. A side that reads whole directories, or whole files for their checksums, is silent, too.
int most_still_looks(const Target& target, const Transfer& transfer) {
  constexpr int kOfEntries = 5, kOfComparisons = 60;
  const bool by_checksum =
      target.rsync.checksum || transfer.by_checksum || transfer.lane == Lane::verify;
  if (by_checksum || target.rsync.timeout.count() == 0) return 0;
  const bool of_entries = transfer.lane == Lane::data || transfer.lane == Lane::attributes;
  return of_entries ? kOfEntries : kOfComparisons;
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
      most_still_looks_(most_still_looks(target, transfer)),
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
  if (most_still_looks_ != 0) loop_.arm(look_timer_, loop_.now() + timeout_);
}

void Run::look() {
  // What keeps a connection alive is a few bytes, twice in each `timeout`.
  constexpr uint64_t kKeepalives = 256;
  FsIdentity eyes(user_);
  const auto before = std::exchange(moved_, bytes_moved_by(process_.pid(), ssh_));
  const bool is_still = before && moved_ && *moved_ >= *before && *moved_ - *before < kKeepalives;
  still_looks_ = is_still ? still_looks_ + 1 : 0;
  if (still_looks_ == most_still_looks_) return process_.terminate();
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
  const bool given_up = most_still_looks_ != 0 && still_looks_ == most_still_looks_;
  if (given_up && result.outcome.verdict == Verdict::failed) {
    constexpr int kTimeout = 30;  // rsync(1) EXIT VALUES
    result.outcome = failed_because("nothing has moved for " +
                                    format_duration(most_still_looks_ * timeout_) + ", given up");
    result.outcome.exit_status = kTimeout;
    result.was_standby = false;  // and no fault of its waiting
  }
  Done done = std::move(done_);
  done(result);  // may destroy this object
}

}  // namespace mirrord
