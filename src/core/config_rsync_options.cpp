#include "core/config_rsync_options.hpp"

#include <algorithm>
#include <iterator>

namespace mirrord {
namespace {

using Refusal = std::optional<std::string_view>;

constexpr std::string_view kNamesPaths = "mirrord itself names the paths of each run";
constexpr std::string_view kNoTransfer = "it would take the place of the transfer";
constexpr std::string_view kReadsOutput = "mirrord reads what rsync prints";
constexpr std::string_view kLeavesBehind = "it would leave changed files behind";
constexpr std::string_view kMissesChanges = "it would make rsync miss changes";
constexpr std::string_view kOddNames = "it would break odd file names";
constexpr std::string_view kDeletesSource = "it would delete the source";
constexpr std::string_view kUnsafeDeletion = "it would make deletions unsafe";
constexpr std::string_view kMountsAreWatched =
    "what is mounted below a source is mirrored, too; exclude its mount point instead";
constexpr std::string_view kUseDelete = "use the key 'delete' instead";
constexpr std::string_view kUseMaxDelete = "use the key 'max_delete' instead";
constexpr std::string_view kUseSymlinks = "use the key 'symlinks' instead";
constexpr std::string_view kUseFilter = "use the keys 'exclude' and 'filter' instead";
constexpr std::string_view kUseSsh = "use the table [.ssh] instead";
constexpr std::string_view kUseTimeout = "use the key 'timeout' instead";
constexpr std::string_view kUsePartialDir = "use the key 'partial_dir' instead";
constexpr std::string_view kUseHardLinks = "use the key 'hard_links' instead";
constexpr std::string_view kUseInplace = "use the key 'inplace' instead";
constexpr std::string_view kUseBandwidth = "use the key 'bandwidth_limit' instead";
constexpr std::string_view kUseRemoteProgram = "use the key 'remote_program' instead";
constexpr std::string_view kUsePasswordFile = "use the key 'password_file' instead";
constexpr std::string_view kNoDash =
    "an option begins with '-'; write its value in the same string";
constexpr std::string_view kOneInAString = "one option in each string";
constexpr std::string_view kNeedsValue =
    "its value must stand in the same string, as in \"--option=VALUE\"";

struct Rule {
  std::string_view name;
  std::string_view why;
};

constexpr Rule kRefused[] = {
    {"files-from", kNamesPaths},
    {"from0", kNamesPaths},
    {"recursive", kNamesPaths},
    {"relative", kNamesPaths},
    {"dirs", kNamesPaths},
    {"old-dirs", kNamesPaths},
    {"old-d", kNamesPaths},
    {"no-implied-dirs", kNamesPaths},
    {"ignore-missing-args", kNamesPaths},
    {"daemon", kNoTransfer},
    {"server", kNoTransfer},
    {"sender", kNoTransfer},
    {"config", kNoTransfer},
    {"dry-run", kNoTransfer},
    {"list-only", kNoTransfer},
    {"write-batch", kNoTransfer},
    {"only-write-batch", kNoTransfer},
    {"read-batch", kNoTransfer},
    {"help", kNoTransfer},
    {"version", kNoTransfer},
    {"stats", kReadsOutput},
    {"out-format", kReadsOutput},
    {"log-format", kReadsOutput},
    {"info", kReadsOutput},
    {"debug", kReadsOutput},
    {"progress", kReadsOutput},
    {"verbose", kReadsOutput},
    {"quiet", kReadsOutput},
    {"itemize-changes", kReadsOutput},
    {"human-readable", kReadsOutput},
    {"8-bit-output", kReadsOutput},
    {"stderr", kReadsOutput},
    {"msgs2stderr", kReadsOutput},
    {"outbuf", kReadsOutput},
    {"ignore-existing", kLeavesBehind},
    {"existing", kLeavesBehind},
    {"ignore-non-existing", kLeavesBehind},
    {"update", kLeavesBehind},
    {"size-only", kLeavesBehind},
    {"append", kLeavesBehind},
    {"append-verify", kLeavesBehind},
    {"max-size", kLeavesBehind},
    {"min-size", kLeavesBehind},
    {"modify-window", kMissesChanges},
    {"compare-dest", kLeavesBehind},
    {"stop-after", kLeavesBehind},
    {"stop-at", kLeavesBehind},
    {"time-limit", kLeavesBehind},
    {"no-times", kLeavesBehind},
    {"no-t", kLeavesBehind},
    {"old-args", kOddNames},
    {"no-protect-args", kOddNames},
    {"no-secluded-args", kOddNames},
    {"no-s", kOddNames},
    {"remove-source-files", kDeletesSource},
    {"remove-sent-files", kDeletesSource},
    {"one-file-system", kMountsAreWatched},
    {"ignore-errors", kUnsafeDeletion},
    {"force", kUnsafeDeletion},
    {"del", kUseDelete},
    {"max-delete", kUseMaxDelete},
    {"links", kUseSymlinks},
    {"copy-links", kUseSymlinks},
    {"copy-unsafe-links", kUseSymlinks},
    {"safe-links", kUseSymlinks},
    {"copy-dirlinks", kUseSymlinks},
    {"munge-links", kUseSymlinks},
    {"filter", kUseFilter},
    {"cvs-exclude", kUseFilter},
    {"rsh", kUseSsh},
    {"timeout", kUseTimeout},
    {"partial-dir", kUsePartialDir},
    {"hard-links", kUseHardLinks},
    {"inplace", kUseInplace},
    {"bwlimit", kUseBandwidth},
    {"rsync-path", kUseRemoteProgram},
    {"password-file", kUsePasswordFile},
};

constexpr Rule kRefusedPrefixes[] = {
    {"delete", kUseDelete},
    {"exclude", kUseFilter},
    {"include", kUseFilter},
};

/// Each letter of `name` is one refused short option.
constexpr Rule kRefusedLetters[] = {
    {"rRd0", kNamesPaths}, {"nV", kNoTransfer},      {"vqihP8", kReadsOutput}, {"u", kLeavesBehind},
    {"@", kMissesChanges}, {"lLk", kUseSymlinks},    {"fFC", kUseFilter},      {"e", kUseSsh},
    {"H", kUseHardLinks},  {"x", kMountsAreWatched}, {" \t", kOneInAString},
};

/// Given without its value, each of these would swallow the argument that mirrord puts next.
constexpr std::string_view kValued[] = {
    "address",
    "backup-dir",
    "block-size",
    "bwlimit",
    "cc",
    "checksum-choice",
    "checksum-seed",
    "chmod",
    "chown",
    "compare-dest",
    "compress-choice",
    "compress-level",
    "config",
    "contimeout",
    "copy-as",
    "copy-dest",
    "debug",
    "early-input",
    "exclude",
    "exclude-from",
    "files-from",
    "filter",
    "groupmap",
    "iconv",
    "include",
    "include-from",
    "info",
    "link-dest",
    "log-file",
    "log-file-format",
    "max-alloc",
    "max-delete",
    "max-size",
    "min-size",
    "modify-window",
    "out-format",
    "partial-dir",
    "password-file",
    "port",
    "protocol",
    "remote-option",
    "rsh",
    "rsync-path",
    "skip-compress",
    "sockopts",
    "suffix",
    "temp-dir",
    "timeout",
    "usermap",
    "zc",
    "zl",
};
constexpr std::string_view kValuedLetters = "BMTef@";

bool is_valued(std::string_view name) {
  return std::find(std::begin(kValued), std::end(kValued), name) != std::end(kValued);
}

Refusal refused_letter(char letter) {
  for (const Rule& rule : kRefusedLetters)
    if (rule.name.find(letter) != std::string_view::npos) return rule.why;
  return std::nullopt;
}

Refusal refused_name(std::string_view name) {
  for (const Rule& rule : kRefused)
    if (name == rule.name) return rule.why;
  for (const Rule& rule : kRefusedPrefixes)
    if (name.starts_with(rule.name)) return rule.why;
  return std::nullopt;
}

/// rsync(1): "--no-OPTION", where OPTION may also be a short option's letter.
Refusal refused_negation(std::string_view name) {
  if (!name.starts_with("no-")) return std::nullopt;
  const std::string_view negated = name.substr(3);
  return negated.size() == 1 ? refused_letter(negated.front()) : refused_name(negated);
}

/// rsync(1) --checksum-choice: "none", for the transfers or for what is compared.
bool takes_no_checksums(std::string_view name, std::string_view value) {
  return (name == "checksum-choice" || name == "cc") && value.find("none") != value.npos;
}

Refusal refused_long(std::string_view option) {
  const size_t equals = option.find('=');
  const std::string_view name = option.substr(0, equals);
  if (name.find_first_of(" \t") != std::string_view::npos) return kOneInAString;
  if (const Refusal why = refused_name(name)) return why;
  if (const Refusal why = refused_negation(name)) return why;
  if (equals == std::string_view::npos)
    return is_valued(name) ? Refusal(kNeedsValue) : std::nullopt;
  const std::string_view value = option.substr(equals + 1);
  if (takes_no_checksums(name, value)) return kMissesChanges;
  if (name == "remote-option") return refused_rsync_option(value);
  return std::nullopt;
}

Refusal refused_cluster(std::string_view letters) {
  for (size_t i = 0; i < letters.size(); ++i) {
    if (const Refusal why = refused_letter(letters[i])) return why;
    if (kValuedLetters.find(letters[i]) == std::string_view::npos) continue;
    const std::string_view value = letters.substr(i + 1);
    if (value.empty()) return kNeedsValue;
    return letters[i] == 'M' ? refused_rsync_option(value) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> refused_rsync_option(std::string_view option) {
  // A lone "-" or "--" would turn what follows into paths.
  if (!option.starts_with('-') || option == "-" || option == "--") return kNoDash;
  return option.starts_with("--") ? refused_long(option.substr(2))
                                  : refused_cluster(option.substr(1));
}

bool value_follows(std::string_view option) {
  if (option.starts_with("--")) return is_valued(option.substr(2));
  return option.starts_with('-') && option.find_first_of(kValuedLetters, 1) == option.size() - 1;
}

}  // namespace mirrord
