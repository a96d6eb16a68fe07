// What a change is: a logical path below a source and how much of it is in doubt.
//
// A logical path is relative to the source, as a reader sees it through the links: "" is the
// source itself, "images/a.png" may live anywhere on disk. Bytes, not text: any name that the
// kernel accepts.
#pragma once

#include <string>

namespace mirrord {

/// Ordered: a later kind includes the earlier ones.
enum class ChangeKind {
  attributes,  ///< mode, owner, times of one entry
  data,        ///< the entry itself: contents, existence, type; of a directory not what is below
  children,    ///< of a directory: also which entries it has, but not what is in them
  tree,        ///< the entry and everything below it
};

struct Change {
  std::string path;
  ChangeKind kind = ChangeKind::data;
  bool operator==(const Change&) const = default;
};

}  // namespace mirrord
