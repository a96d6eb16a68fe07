// From changed paths to the list that rsync reads: `--files-from=- --from0`.
//
// Facts about each path come fresh from the caller, so the list says what is true now, not what
// an event said. The traps of rsync(1) that it knows, shown by tests/io/test_rsync_real:
// each entry is prefixed "./" (a leading "#" or ";" is a comment even with --from0), of a missing
// path only the topmost missing ancestor is named, and nothing is named through an entry that is
// no directory.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace mirrord {

enum class Entry {
  missing,
  unclear,  ///< excluded or missing, but of another kind it would be mirrored: only the target's
            ///< copy tells whether it is to be deleted
  directory,
  other,
  left_out,  ///< there, but not mirrored: it and what is below it is not listed
};

/// What is at a logical path now. An error other than "no such file" counts as `other`: rsync
/// then reports it, and nothing is deleted because of it.
using EntryProbe = std::function<Entry(const std::string& path)>;

/// How much of a listed directory is meant.
enum class Depth {
  entry,        ///< its own attributes: "./dir"
  children,     ///< its entries too: "./dir/"
  tree,         ///< all below it: "./dir", for a run with -r
  linked_tree,  ///< the same under --copy-unsafe-links: "./dir/", because the rules would take a
                ///< link to a directory for a file
};

struct FileList {
  std::string text;  ///< NUL-terminated entries in order, each once
  /// The directories that have lost an entry which cannot be deleted by name, to be compared one
  /// level deep.
  std::vector<std::string> losers = {};
};

/// The paths that stand in it, without a slash at their end.
std::set<std::string_view> paths_in(const FileList& list);

/// Whether a missing path stands in the list, for --delete-missing-args.
enum class Missing { listed, by_directory };

FileList build_file_list(const std::vector<std::string>& paths, const EntryProbe& probe,
                         Depth depth = Depth::entry, Missing missing = Missing::listed);

}  // namespace mirrord
