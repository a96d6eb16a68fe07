#include "core/rsync_result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include "core/complaints.hpp"
#include "core/lines.hpp"

namespace mirrord {

namespace {

constexpr const char* kNoConnection = "ssh could not connect or was cut off";

struct Meaning {
  int status;
  Verdict verdict;
  const char* words;
};

// rsync(1) EXIT VALUES. What is not here is a failure "for an unknown reason".
constexpr Meaning kMeanings[] = {
    {0, Verdict::done, ""},
    {1, Verdict::failed, "syntax or usage error; is an option unknown to one side?"},
    {2, Verdict::failed, "the two sides do not understand each other"},
    {3, Verdict::failed, "errors selecting input or output files or directories"},
    {4, Verdict::failed, "the requested action is not supported"},
    {5, Verdict::failed, "error starting the client-server protocol"},
    {6, Verdict::failed, "the daemon cannot write to its log file"},
    {10, Verdict::failed, "error in socket input or output"},
    {11, Verdict::failed, "error in file input or output; is the target full?"},
    {12, Verdict::failed, "error in the protocol data stream; is rsync installed on the target?"},
    {13, Verdict::failed, "errors with program diagnostics"},
    {14, Verdict::failed, "error in inter-process communication"},
    {20, Verdict::failed, "killed by a signal"},
    {21, Verdict::failed, "waitpid() failed"},
    {22, Verdict::failed, "out of memory"},
    {23, Verdict::partial, "some files could not be transferred"},
    {24, Verdict::again, "some files vanished before they could be transferred"},
    {25, Verdict::partial, "the deletion limit stopped deletions"},
    {30, Verdict::failed, "timeout while sending or receiving data"},
    {35, Verdict::failed, "timeout waiting for the daemon to connect"},
    {126, Verdict::failed, "the program could not be run"},
    {127, Verdict::failed, "the program was not found"},
    {255, Verdict::failed, kNoConnection},
};

bool is_of_rsync(const std::string& line) {
  // The last two name a file.
  constexpr const char* kBegins[] = {"rsync:", "rsync error:", "could not make way for ",
                                     "cannot delete non-empty directory: "};
  return std::ranges::any_of(kBegins, [&](const char* begin) { return line.starts_with(begin); });
}

/// The line that says most: of ssh's the last, after warnings and banners.
std::string last_word_of_ssh(const std::string& error) {
  const std::vector<std::string> lines = lines_of(error);
  auto last = std::find_if_not(lines.rbegin(), lines.rend(), is_of_rsync);
  return last == lines.rend() ? "" : *last;
}

/// Of rsync's the first that is no mere summary.
std::string first_word_of_rsync(const std::string& error) {
  for (const std::string& line : lines_of(error))
    if (!line.starts_with("rsync error:")) return line;
  return "";
}

bool contains(std::initializer_list<int> statuses, int status) {
  return std::ranges::find(statuses, status) != statuses.end();
}

std::string complaint_of(int exit_status, const std::string& error) {
  const bool of_connection = contains({5, 10, 12, 30, 35, 255}, exit_status);
  std::string word = of_connection ? last_word_of_ssh(error) : "";
  return word.empty() ? first_word_of_rsync(error) : word;
}

/// The other side may print a line without an end.
std::string cut(const std::string& complaint) {
  constexpr size_t kMost = 1024;
  return complaint.substr(0, kMost);
}

/// Names of files are not for everybody: rsync quotes them, ssh writes whole paths.
bool names_a_file(const std::string& complaint) {
  return complaint.find_first_of("\"/") != std::string::npos;
}

/// Where a line begins so: anywhere else it may be the name of a file.
size_t find_line(const std::string& text, std::string_view begin) {
  size_t at = text.find(begin);
  while (at != 0 && at != std::string::npos && text[at - 1] != '\n') at = text.find(begin, at + 1);
  return at;
}

std::optional<uint64_t> number_after(const std::string& text, std::string_view label) {
  size_t at = find_line(text, label);
  if (at == std::string::npos) return std::nullopt;
  uint64_t value = 0;
  const char* first = text.data() + at + label.size();
  auto [end, error] = std::from_chars(first, text.data() + text.size(), value);
  return error == std::errc() ? std::optional(value) : std::nullopt;
}

/// Of the list of files, not of their transfer.
bool is_of_list(std::string_view line) {
  constexpr std::string_view kBegins[] = {"symlink has no referent: ", "opendir ", "readdir(",
                                          "readlink", "link_stat "};
  for (std::string_view speaker : {"rsync: ", "[sender] "})
    if (line.starts_with(speaker)) line.remove_prefix(speaker.size());
  return std::ranges::any_of(kBegins, [&](auto begin) { return line.starts_with(begin); });
}

/// What rsync does after it could not list something, rsync(1) --ignore-errors. It says so in its
/// output, too, of which only the end is kept.
bool skipped_deletions(const RsyncEnd& end) {
  return find_line(end.output, "IO error encountered -- skipping file deletion") !=
             std::string::npos ||
         std::ranges::any_of(lines_of(end.error), is_of_list);
}

constexpr const char* kStopped = "Deletions stopped due to --max-delete limit (";

Meaning meaning_of(int exit_status) {
  auto known = std::ranges::find(kMeanings, exit_status, &Meaning::status);
  if (known != std::end(kMeanings)) return *known;
  return {exit_status, Verdict::failed, "unknown exit status"};
}

/// "Permission denied (13)": how rsync ends a complaint about a path, in words of strerror(3),
/// which are for everybody. "" where it does not.
std::string reason_of(const std::string& complaint) {
  const size_t bracket = complaint.rfind(" (");
  if (bracket == std::string::npos) return "";
  int error = 0;
  const char* const end = complaint.data() + complaint.size();
  const auto [rest, fault] = std::from_chars(complaint.data() + bracket + 2, end, error);
  const std::string reason = std::generic_category().message(error);
  const bool is_errno = fault == std::errc() && rest + 1 == end && *rest == ')';
  const std::string known = is_errno ? fmt::format(": {} ({})", reason, error) : "";
  return is_errno && complaint.ends_with(known) ? known : "";
}

std::string text_of(int exit_status, const std::string& complaint) {
  const char* words = meaning_of(exit_status).words;
  // Whether a failed connection ends rsync with 12 or with 255 is a race.
  if (exit_status == 12 && complaint.starts_with("ssh:")) words = kNoConnection;
  std::string text = fmt::format("rsync exited {} ({})", exit_status, words);
  // What is wrong with single paths would name them.
  bool of_session = contains({1, 4, 5, 10, 12, 30, 35, 255}, exit_status);
  bool is_public = of_session && !complaint.empty() && !names_a_file(complaint);
  return text + (is_public ? ": " + cut(complaint) : reason_of(complaint));
}

/// Before 3.1.0 --delete-missing-args is an unknown option; 3.4.3 and some patched versions end
/// with status 2. Before 3.1.3 --modify-window=-1 is one for the other side; "refuse options" of
/// rsyncd.conf(5) may name it.
std::optional<Feature> refused_feature(const RsyncEnd& end) {
  auto says = [&](const char* words) { return end.error.find(words) != std::string::npos; };
  if (says("delete-missing-args: unknown option")) return Feature::missing_args;
  if (end.exit_status == 2 && says("invalid file mode")) return Feature::missing_args;
  if (says("-@-1: unknown option") || says("configured to refuse --modify-window"))
    return Feature::nanoseconds;
  return std::nullopt;
}

/// Of a connection that broke the client takes over the status of its remote shell, which is any.
Verdict verdict_of(const RsyncEnd& end) {
  const bool is_cut_off =
      end.exit_status != 0 &&
      find_line(end.error, "rsync: connection unexpectedly closed") != std::string::npos;
  return is_cut_off ? Verdict::failed : meaning_of(end.exit_status).verdict;
}

/// What --max-delete has kept. An rsync daemon says so, too, and ends with 0 all the same.
uint64_t extraneous_of(const RsyncEnd& end) {
  for (const std::string* text : {&end.error, &end.output})
    if (uint64_t count = number_after(*text, kStopped).value_or(0); count != 0) return count;
  return 0;
}

void read_stats(const std::string& output, Outcome& outcome) {
  // Before 3.1.0 the first label had no "regular".
  auto sent = number_after(output, "Number of regular files transferred: ");
  if (!sent) sent = number_after(output, "Number of files transferred: ");
  outcome.files = sent.value_or(0);
  outcome.bytes = number_after(output, "Total bytes sent: ").value_or(0);
  // What the target held before is what it holds now without what was created. An rsync that does
  // not count those may have created all that it sent.
  uint64_t entries = number_after(output, "Number of files: ").value_or(0);
  uint64_t created = number_after(output, "Number of created files: ").value_or(outcome.files);
  // The destination itself is none of them.
  outcome.entries = entries - std::min(entries, created + 1);
}

double share_of_bytes(const std::string& output) {
  size_t percent = output.rfind('%');
  if (percent == std::string::npos) return -1;
  size_t start = percent;
  while (start > 0 && output[start - 1] >= '0' && output[start - 1] <= '9') --start;
  int value = 0;
  auto [end, error] = std::from_chars(output.data() + start, output.data() + percent, value);
  return error == std::errc() ? std::min(value, 100) / 100.0 : -1;
}

/// As long as it says "ir-chk", rsync does not know of how many.
double share_of_entries(const std::string& output) {
  constexpr std::string_view kLabel = "to-chk=";
  const size_t bracket = output.rfind(')');  // before it the line is whole
  if (bracket == std::string::npos) return -1;
  const size_t label = output.rfind(kLabel, bracket);
  if (label == std::string::npos) return -1;
  const char* const last = output.data() + output.size();
  uint64_t left = 0, all = 0;
  const auto [slash, error] = std::from_chars(output.data() + label + kLabel.size(), last, left);
  if (error != std::errc() || slash == last) return -1;
  if (std::from_chars(slash + 1, last, all).ec != std::errc() || left > all || all == 0) return -1;
  return static_cast<double>(all - left) / static_cast<double>(all);
}

}  // namespace

Outcome connection_failure(const std::string& error) {
  constexpr int kSshFailed = 255;  // ssh(1) EXIT STATUS
  Outcome outcome;
  outcome.exit_status = kSshFailed;
  outcome.complaint = cut(last_word_of_ssh(error));
  outcome.text = kNoConnection;
  if (!outcome.complaint.empty() && !names_a_file(outcome.complaint))
    outcome.text += ": " + outcome.complaint;
  return outcome;
}

double read_progress(const std::string& output) {
  // "      1,234  45%  1.20MB/s    0:00:03 (xfr#2, to-chk=5/12)": a line that overwrites itself.
  // The bracket stands where a file is done. What is equal already is counted there only.
  return std::max(share_of_bytes(output), share_of_entries(output));
}

Outcome interpret(const RsyncEnd& end, const std::string& source, const std::string& destination) {
  Outcome outcome;
  read_stats(end.output, outcome);
  outcome.exit_status = end.signal != 0 ? 128 + end.signal : end.exit_status;
  if (end.signal != 0) {
    outcome.text = fmt::format("rsync was killed by signal {}", end.signal);
    return outcome;
  }
  outcome.verdict = verdict_of(end);
  outcome.extraneous = extraneous_of(end);
  if (end.exit_status == 0 && outcome.extraneous == 0) return outcome;
  outcome.complaint = complaint_of(end.exit_status, end.error);
  outcome.text = text_of(end.exit_status, outcome.complaint);
  outcome.complaint = cut(outcome.complaint);
  constexpr int kFileIo = 11;  // it ended at the one that it could not write
  bool of_paths = outcome.verdict != Verdict::failed;
  if (!of_paths) outcome.refuses = refused_feature(end);
  if (!of_paths && end.exit_status != kFileIo) return outcome;
  outcome.deleted_part = end.deletes && end.exit_status == 23 && skipped_deletions(end);
  if (auto complaints = read_complaints(end.error, source, destination);
      complaints && end.error_is_whole) {
    outcome.unsent = std::move(complaints->paths);
    outcome.unset = std::move(complaints->attributes);
  }
  if (!of_paths) return outcome;
  if (outcome.extraneous != 0) outcome.verdict = Verdict::withheld;
  // Nothing but deletions is missing.
  if (end.exit_status == 0 || end.exit_status == 25) outcome.unsent.emplace();
  outcome.entries += outcome.extraneous;
  return outcome;
}

}  // namespace mirrord
