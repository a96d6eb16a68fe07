// The logical view of the watched trees: which watch descriptor stands for which directories.
//
// One descriptor is one inode, but a directory that several links lead to has several logical
// paths, so the map is one-to-many: an event at a descriptor touches each of them. Beside the
// directories it keeps the *links*: every path that was resolved through the file system (a
// symlink below the source, and the source's own path) with the (directory, name) steps that its
// resolution went through. An event at one of these steps may lead the link elsewhere.
//
// Pure: descriptors are numbers given by the caller. The map asks no kernel and decides nothing
// about transfers; io/tree_watcher feeds it and acts on what it returns.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/id_table.hpp"
#include "core/name_arena.hpp"

namespace mirrord {

using TreeId = uint32_t;
using NodeId = uint32_t;  ///< a logical directory; 0 = none
using LinkId = uint32_t;  ///< a resolved path; 0 = none

/// Where a link leads. Everything but directory and file is left out of the mirror.
enum class LinkEnd {
  dangling,
  file,
  directory,
  loop,        ///< to a directory that it is in
  outside,     ///< out of `follow_into =`
  unreadable,  ///< to what the group's user cannot read
};

/// One step of a path resolution: in the directory `wd`, the entry `name`.
struct Pin {
  int wd = -1;
  std::string name;
  auto operator<=>(const Pin&) const = default;
};

/// What makes a directory or file the same one.
struct Identity {
  uint64_t device = 0;      ///< stat(2)
  uint64_t inode = 0;       ///< a number that is used again, often at once
  uint64_t generation = 0;  ///< a hash of name_to_handle_at(2); 0 where the file system has none
  bool operator==(const Identity&) const = default;
};

struct Link {
  TreeId tree = 0;
  NodeId parent = 0;  ///< 0: the source's own path
  std::string name;
  LinkEnd end = LinkEnd::dangling;
  NodeId dir = 0;        ///< the logical directory, when end is directory
  std::string referent;  ///< physical path, free of links
  Identity identity;     ///< of the referent
  std::vector<Pin> pins;
  std::vector<std::string> detours;  ///< where links on the way are that are not above the referent
};

class WatchMap {
 public:
  /// What an event on (wd, name) may concern.
  struct Touched {
    std::vector<NodeId> dirs;
    std::vector<LinkId> links;
  };

  /// Adds a directory. parent 0 makes it the root of `tree`.
  NodeId add_dir(TreeId tree, NodeId parent, std::string_view name, int wd, LinkId via = 0);
  /// Gives a directory that was added with wd -1 its watch.
  void set_watch(NodeId dir, int wd);
  /// The directory cannot be watched: it counts as unwatched until it can or is removed.
  void set_unwatched(NodeId dir);
  /// Nothing is known of what is in the directory, until it is removed or read.
  void set_unreadable(NodeId dir, bool unreadable);
  bool is_unreadable(NodeId dir) const { return at(dir).unreadable; }
  /// Removes a directory with all directories and links below it.
  void remove_dir(NodeId dir);
  /// Removes what is below a directory.
  void remove_children(NodeId dir);
  /// The kernel has ended this watch: its directories stay, and count as unwatched.
  void forget_watch(int wd);

  LinkId add_link(Link link);
  /// Removes the link and the directory that it leads to.
  void remove_link(LinkId id);

  /// Descriptors that no directory and no link needs any more, each told once.
  std::vector<int> take_unused();

  Touched touched(int wd, std::string_view name) const;
  /// Whether links depend on what the directory `wd` holds.
  bool has_pins(int wd) const { return pin_counts_.contains(wd); }
  std::vector<NodeId> dirs_of(int wd) const;
  /// Links whose resolution went through the directory `wd`.
  std::vector<LinkId> links_through(int wd) const;
  std::vector<LinkId> links_in(TreeId tree) const;
  NodeId child(NodeId parent, std::string_view name) const;
  LinkId link_at(NodeId parent, std::string_view name) const;
  const Link& link(LinkId id) const { return links_.at(id); }
  bool has_link(LinkId id) const { return links_.contains(id); }
  TreeId tree_of(NodeId dir) const { return at(dir).tree; }
  /// The link that leads to this directory; 0 when it is a plain directory.
  LinkId via(NodeId dir) const { return at(dir).linked ? via_.at(dir) : 0; }
  NodeId parent(NodeId dir) const { return at(dir).parent; }
  std::string_view name(NodeId dir) const { return names_.at(at(dir).name); }
  bool watched(NodeId dir) const { return at(dir).wd >= 0; }
  bool alive(NodeId dir) const { return dir != 0 && dir < dirs_.size() && at(dir).tree != 0; }
  int wd(NodeId dir) const { return at(dir).wd; }

  /// Logical path of a directory, "" for a root.
  std::string path(NodeId dir) const;
  std::string path(const Link& link) const;
  /// The watches of `dir` and of its ancestors: a link to one of these would be a loop.
  std::vector<int> branch(NodeId dir) const;

  /// Logical paths that are no part of the mirror, in order: links that lead nowhere, in a loop or
  /// out of bounds.
  std::vector<std::string> hidden(TreeId tree) const;
  /// Logical paths that cannot be read, in order: nothing is known of what is there.
  std::vector<std::string> unreadable(TreeId tree) const;
  /// Directories of which nothing is known.
  const std::set<NodeId>& unreadable_dirs(TreeId tree) const;
  /// Where a logical path ends: in a directory of the map, or at a link of it.
  struct Place {
    NodeId dir = 0;
    LinkId link = 0;
    bool below_unreadable = false;  ///< nothing is known of it
  };
  Place find(NodeId root, std::string_view path) const;

  size_t directories(TreeId tree) const;
  size_t followed_links(TreeId tree) const;
  size_t unwatched(TreeId tree) const;
  bool uses(int wd) const { return first_dir(wd) != 0 || pin_counts_.contains(wd); }
  /// Number of descriptors in use.
  size_t watches() const { return watches_; }

 private:
  // 36 bytes: there may be millions.
  struct Dir {
    NodeId parent = 0;
    NodeId first_child = 0;
    NodeId next_sibling = 0;  // in a free slot: the next free slot
    NodeId previous_sibling = 0;
    NodeId next_alias = 0;  // another directory with the same wd; the first is in by_wd_
    NodeId previous_alias = 0;
    int wd = -1;
    NameArena::Offset name = 0;
    TreeId tree : 29 = 0;     // 0 = free slot
    bool linked : 1 = false;  // reached by a link, see via_
    bool unwatched : 1 = false;
    bool unreadable : 1 = false;
  };
  struct Counts {
    size_t directories = 0;
    size_t followed_links = 0;
    size_t unwatched = 0;
  };

  Dir& at(NodeId dir) { return dirs_[dir]; }
  const Dir& at(NodeId dir) const { return dirs_[dir]; }
  NodeId new_slot();
  void free_slot(NodeId dir);
  void attach(NodeId dir, int wd);
  void detach(NodeId dir);
  void unlink_from_parent(NodeId dir);
  void remove_one(NodeId dir);
  void remove_links_below(NodeId dir);
  void erase_link(LinkId id);
  void add_pin(const Pin& pin, LinkId link);
  void remove_pin(const Pin& pin, LinkId link);
  void release(int wd);
  void collect_names();
  NodeId first_dir(int wd) const;
  size_t child_hash(NodeId dir) const { return child_hash(at(dir).parent, name(dir)); }
  static size_t child_hash(NodeId parent, std::string_view name);
  Counts counts(TreeId tree) const;
  static bool is_left_out(LinkEnd end) { return end != LinkEnd::file && end != LinkEnd::directory; }

  std::deque<Dir> dirs_{1};  // slot 0 is "none"
  NodeId first_free_ = 0;
  NameArena names_;
  IdTable children_;  // directories by parent and name
  IdTable by_wd_;     // the first directory of each wd
  size_t watches_ = 0;
  std::unordered_map<int, uint32_t> pin_counts_;
  std::unordered_map<NodeId, LinkId> via_;
  std::vector<int> unused_;
  std::unordered_map<LinkId, Link> links_;
  std::map<std::pair<NodeId, std::string>, LinkId> link_index_;
  std::map<Pin, std::set<LinkId>> pins_;
  std::map<TreeId, std::set<LinkId>> left_out_;
  std::map<TreeId, std::set<NodeId>> unreadable_;
  std::map<TreeId, Counts> counts_;
  LinkId last_link_ = 0;
};

}  // namespace mirrord
