// What becomes of one path, and why: the answer to `mirrorctl explain`.
//
// Facts about the path come from the caller, the verdict is made here: whether it is mirrored, and
// if not, the one reason that comes first on the way from the source down to it.
#pragma once

#include <string>
#include <vector>

#include "core/filter.hpp"
#include "core/watch_map.hpp"

namespace mirrord {

/// A link as the watcher knows it; one that it does not know stays a link.
struct LinkFact {
  std::string path;      ///< logical
  std::string referent;  ///< physical; "" when it leads nowhere
  LinkEnd end = LinkEnd::dangling;
};

struct PathFacts {
  std::string path;                   ///< logical, relative to the source
  std::string type;                   ///< "file", "directory", "link", "other" or "missing"
  std::string file;                   ///< where it really is; "" = nowhere
  std::vector<std::string> symlinks;  ///< every link on the way, the path itself included
  bool readable = true;               ///< a file, by the group's user
};

struct Explanation {
  struct Lack {
    std::string target;
    std::string state;
    bool pending = false;
  };

  std::string group;
  PathFacts facts;
  std::string reason;             ///< why it is not mirrored; "" = it is
  std::vector<LinkFact> links;    ///< on the way, followed
  std::vector<std::string> also;  ///< other logical paths of the same file
  std::vector<Lack> targets;
};

/// The logical names of a path as a user gives it: relative, below the source, or where a followed
/// link leads to. None when it has nothing to do with the source.
std::vector<std::string> logical_paths(const std::string& path, const std::string& source,
                                       const std::string& resolved_source,
                                       const std::vector<LinkFact>& links);

/// Why the path is not mirrored; "" = it is.
std::string why_not(const PathFacts& facts, const Filter& filter,
                    const std::vector<LinkFact>& links, const std::vector<std::string>& unreadable);

/// As org.mirrord1(5), EXPLANATIONS.
std::string to_json(const Explanation& explanation);

}  // namespace mirrord
