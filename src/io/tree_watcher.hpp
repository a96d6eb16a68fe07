// Watches trees through their symbolic links and reports what changed, as logical paths.
//
// Owns an inotify instance, the crawl and the map of what is watched. A tree is a source with its
// link rules; trees share watches. Every directory is watched first and listed second, so nothing
// falls between. A crawl goes on a few directories and links per turn of the loop. A source that is
// missing, replaced or re-pointed is noticed by the steps of its path, all of which are watched.
// What cannot be read, and what was below a file system that is unmounted, is told and passed over:
// nothing is reported as deleted because of it.
//
// It refuses to decide what a change means for a target, and never touches what it watches.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "core/change.hpp"
#include "core/explanation.hpp"
#include "core/file_list.hpp"
#include "core/filter.hpp"
#include "core/mounts.hpp"
#include "core/watch_map.hpp"
#include "io/directory_reader.hpp"
#include "io/event.hpp"
#include "io/inotify.hpp"
#include "io/resolve.hpp"
#include "io/user.hpp"

namespace mirrord {

struct TreeRules {
  std::string source;
  Symlinks symlinks = Symlinks::follow;
  SyncOn sync_on = SyncOn::close;
  std::optional<User> user;                             ///< whose eyes look; unset = our own
  std::optional<std::vector<std::string>> follow_into;  ///< unset = anywhere
  std::vector<FilterRule> filter = {};  ///< what is excluded is neither watched nor reported
  auto operator<=>(const TreeRules&) const = default;
};

enum class TreeState { crawling, watching, missing };

/// What the kernel does not let us see of a tree.
struct Blindness {
  size_t unwatched = 0;   ///< directories without a watch, or that cannot be read
  size_t unreadable = 0;  ///< those of them that cannot be read
  int error = 0;          ///< why: ENOSPC or EMFILE at a limit, else 0
  std::string remote;     ///< "NFS at 'path'": only changes of this host are seen
  bool operator==(const Blindness&) const = default;
};

/// Something is left out or cannot be watched: to be told to people, once.
struct Trouble {
  std::string path;
  std::string reason;
  bool at_limit = false;  ///< of inotify: told once for all that it concerns
};

class TreeWatcher {
 public:
  /// None of these may drain().
  struct Listener {
    std::function<void(TreeId, const Change&)> changed;
    /// A regular file was created by open(2), or written to: perhaps it is open still, and its
    /// close is reported. `created`: it was not there before.
    std::function<void(TreeId, const std::string& path, bool created)> written;
    /// Part of the tree is not what it was (unmounted, unreadable): what runs may delete on old
    /// knowledge and must be ended.
    std::function<void(TreeId)> lost;
    /// Something is there in place of what was (an empty directory behind a link, another file
    /// system): that its content has gone was not seen. Told before that is reported as changed.
    std::function<void(TreeId)> doubted;
    /// A crawl has got on.
    std::function<void()> progressed;
    /// state() of the tree is another one, or it was crawled afresh.
    std::function<void(TreeId)> state_changed;
    std::function<void(TreeId, const Trouble&)> trouble;
    /// The kernel's queue overflowed: this tree is crawled again.
    std::function<void(TreeId)> overflowed;
    /// Something was mounted or unmounted.
    std::function<void()> mounts_changed;
  };

  /// `first_tree` numbers the trees of several watchers apart.
  TreeWatcher(Loop& loop, Listener listener, TreeId first_tree = 1);

  /// What of these is not mounted is lost until it is.
  void expect_mounts(const std::set<std::string>& mount_points);

  /// Begins to watch; state_changed follows when the crawl is done.
  TreeId add(TreeRules rules);
  void remove(TreeId tree);
  /// Forgets what it knows of the tree and crawls it again.
  void restart(TreeId tree);

  TreeState state(TreeId tree) const { return trees_.at(tree).state; }
  /// Whether it is missing because its file system is not mounted, or empty, and was not before.
  bool is_unmounted(TreeId tree) const;
  /// Whether directories wait to be looked at: loops among them are not known yet.
  bool is_crawling(TreeId tree) const { return trees_.at(tree).to_crawl > 0; }
  /// Whether directories wait for a descriptor to be looked at with.
  bool waits_for_descriptor(TreeId tree) const { return starved_ && is_crawling(tree); }
  const std::string& source(TreeId tree) const { return trees_.at(tree).rules.source; }
  std::string resolved_source(TreeId tree) const;
  /// The directory that is the source; nothing while it is missing.
  std::optional<Identity> identity(TreeId tree) const;
  /// Whether the source's path still leads to the directory that is watched. When it does not,
  /// the tree is looked at again.
  bool stands(TreeId tree);
  /// Below the source on the disk: "SOURCE/path".
  std::string file_path(TreeId tree, const std::string& path) const;
  /// What is at a logical path now, as the mirror sees it; the directories above it are asked about
  /// on their own.
  Entry probe(TreeId tree, const std::string& path) const;
  /// Logical paths that rsync must not see: dangling links, loops, links out of bounds.
  std::vector<std::string> hidden(TreeId tree) const { return map_.hidden(tree); }
  /// Logical paths of which nothing is known, so that nothing may be deleted there.
  std::vector<std::string> unreadable(TreeId tree) const { return map_.unreadable(tree); }
  /// Reads and reports all that the kernel has queued by now; whether there was something.
  bool drain();
  /// The links of the tree that are followed or left out, in the order they were found.
  std::vector<LinkFact> links(TreeId tree) const;
  /// Whether a copy at this path would be part of the source or of what its links lead to, as
  /// is_entangled() has it.
  bool holds_copy(TreeId tree, const std::string& path, bool deletes) const;
  /// Looks whether directories can be read by now that could not. An event tells in most cases.
  void retry_unreadable(TreeId tree);
  size_t directories(TreeId tree) const { return map_.directories(tree); }
  /// Directories, files and links that were met when their directories were listed.
  uint64_t entries(TreeId tree) const { return trees_.at(tree).entries; }
  size_t followed_links(TreeId tree) const { return map_.followed_links(tree); }
  Blindness blindness(TreeId tree) const;
  /// Mount points below sources, and those that links lead behind; also of what is lost.
  std::set<std::string> mounts_that_matter() const;
  /// Whether the limit that was reached is higher now. That some watches have become free is left
  /// to rescans: the next directory would reach it again.
  bool limit_was_raised(TreeId tree);
  /// False at the limit of inotify instances.
  bool can_watch() const { return static_cast<bool>(inotify_); }
  size_t watches() const { return map_.watches(); }
  /// What it has to do in the next turns of the loop, in words; one name is one thing to do.
  std::vector<std::string> undone() const;

 private:
  struct Tree {
    TreeRules rules;
    Filter filter;
    TreeState state = TreeState::crawling;
    LinkId root_link = 0;
    NodeId root = 0;
    size_t to_crawl = 0;  // directories and links
    uint64_t entries = 0;
    int limit_error = 0;
    uint64_t limit = 0;  // that was reached
    std::string remote;
    std::set<std::string> was_unreadable;  // before the crawl that is under way
  };
  struct Task {
    TreeId tree;
    NodeId dir;
    bool live;  // found while running: what it holds is reported as changed
  };
  struct Turn {  // of the crawl: when it is over
    uint64_t last_step;
    std::chrono::steady_clock::time_point end;
  };
  struct ReadDirectory {
    Task task;
    std::string path;
    DirectoryListing listing;
  };
  struct FoundLink {  // by a crawl, not looked at yet
    TreeId tree;
    NodeId dir;
    std::string name;
    bool live;
  };
  struct Resolved {
    Resolution resolution;
    std::vector<Pin> pins;
  };

  // The source's own path
  void place_root(TreeId tree);
  void drop_root(TreeId tree);
  void set_state(TreeId tree, TreeState state);
  bool source_is_as_before(TreeId tree, const Resolution& now) const;
  void relink_source(TreeId tree);

  // Links (tree_links.cpp)
  Resolution resolve_as_user(TreeId tree, const std::string& base, const std::string& path) const;
  Resolved resolve_and_pin(TreeId tree, const std::string& base, const std::string& path,
                           size_t skip_steps);
  LinkEnd end_of(TreeId tree, const Resolution& resolution) const;
  std::string physical_path(NodeId dir) const;
  std::string physical_entry(NodeId dir, std::string_view name) const;
  bool follows(TreeId tree, const std::string& path) const;
  bool leads_out(TreeId tree, const std::string& referent) const;
  void add_link(NodeId parent, std::string_view name, bool live);
  void leave_out(const Task& task, LinkEnd end);
  // What the rules exclude (tree_filter.cpp)
  bool excludes(NodeId dir, std::string_view name, bool is_directory) const;
  bool excludes_whatever_it_is(NodeId dir, std::string_view name) const;
  bool is_left_out_file(NodeId dir, std::string_view name) const;
  bool is_excluded_somewhere(const WatchEvent& event) const;
  bool excludes_found(NodeId dir, std::string_view name, unsigned char type) const;
  Entry entry_at(TreeId tree, const std::string& path) const;
  Entry filtered(TreeId tree, const std::string& path, Entry entry) const;
  bool has_directory_behind(NodeId parent, std::string_view name) const;
  void report_link(NodeId parent, std::string_view name, bool had_directory_behind);
  void relink(LinkId link, std::optional<ChangeKind> of_file = ChangeKind::data);
  void relink_touched();
  void link_event(LinkId link, const WatchEvent& event);

  // The crawl (tree_crawl.cpp)
  void enqueue(NodeId dir, bool live);
  void crawl();
  void crawl_some();
  void take_up_links(const Turn& turn);
  void take_up(const FoundLink& found);
  void read_some(const Turn& turn);
  DirectoryRequest request_for(const Task& task) const;
  void enter_read();
  void enter(const ReadDirectory& read);
  void count_step(TreeId tree);
  void tell_finished();
  bool is_current(TreeId tree, NodeId dir) const;
  void note_file_system(const ReadDirectory& read);
  std::optional<Trouble> take_watch(const Task& task, Inotify::Added watch);
  void take_found(const Task& task, const DirectoryListing& listing);
  void could_not_open(const Task& task, int error);
  void cannot_read(const Task& task, int error);
  void wait_for_descriptor(const Task& task, int error);
  template <class Directory>  // as Inotify::add() takes it
  Inotify::Added place_watch(const Directory& directory, Inotify::Interest interest) {
    auto added = inotify_.add(directory, interest);
    if (added.wd >= 0) placed_.push_back(added.wd);
    return added;
  }
  bool is_loop(const Task& task, const DirectoryListing& own) const;

  // Events (tree_events.cpp)
  bool open_inotify();
  void listen();
  void read_events();
  bool reads_too_often();
  void rest();
  size_t handle_batch();
  void handle(const WatchEvent& event);
  void handle_entry(NodeId dir, const WatchEvent& event);
  void appeared(NodeId dir, const WatchEvent& event);
  void forget(NodeId dir, std::string_view name);
  void access_changed(NodeId dir);
  void watch_ended(int wd);
  void release_unused();
  void report(NodeId dir, std::string_view name, ChangeKind kind);
  void report_modified(NodeId dir, std::string_view name);

  // Mounts (tree_mounts.cpp)
  void watch_mounts();
  WatchMap::Place place_at(LinkId link, const std::string& physical) const;
  NodeId directory_at(LinkId link, const std::string& physical) const;
  void drop_gone_mounts(const std::string& physical);
  void lose(NodeId dir);
  void lose_link(LinkId link);
  void refresh_mounts();
  void mounts_changed();
  void file_system_ended(int wd);
  bool is_hollow(const std::string& mount_point);
  std::vector<std::string> filled_mounts() const;
  bool watches_hollow(int wd) const;
  void drop_hollow(const std::string& mount_point);
  void note_covered_sources(const std::string& mount_point);
  bool uncovers_sources(const std::string& mount_point);
  bool concerns_us(const std::string& mount_point) const;
  static bool leads_through(const Link& link, const std::string& mount_point);
  bool is_lost(const std::string& physical) const;
  void unmounted(const std::string& mount_point);
  void mounted(const std::string& mount_point);
  void mounted_on(NodeId dir);

  Loop& loop_;
  Listener listener_;
  Inotify inotify_;
  WatchMap map_;
  std::map<TreeId, Tree> trees_;
  TreeId next_tree_;
  // Links of which a step was touched in this batch: each is resolved once, and what may have
  // happened to the file that it leads to, if it leads there still.
  std::map<LinkId, std::optional<ChangeKind>> touched_links_;
  std::vector<int> placed_;    // watches added since release_unused(); some found no use
  std::vector<int> unwanted_;  // to be removed from the kernel, some in each turn
  Mounts mount_table_;
  dev_t local_device_ = 0;  // the last one that was asked about, if it is not remote
  std::vector<std::string> mounts_added_, mounts_removed_;  // not looked at yet
  std::set<std::string> lost_mounts_;         // that something of ours was on, until they come back
  std::map<std::string, int> hollow_mounts_;  // of these, what is mounted empty, with its watch
  // What was mounted over sources while these were watched, with where and what they were.
  std::map<std::string, std::map<std::string, Identity>> covered_sources_;
  std::vector<Task> tasks_;
  std::vector<ReadDirectory> read_;  // in this turn of the crawl, and not entered yet
  std::vector<FoundLink> found_links_;
  uint64_t crawl_steps_ = 0;
  bool starved_ = false;  // of descriptors, in the last turn of the crawl
  Source events_source_;
  Source rest_timer_;  // armed while we let events gather
  Instant reads_since_{};
  int reads_ = 0;  // since then
  Source crawl_source_;
  Source starved_timer_;
  Source release_source_;
  Fd mounts_;
  Source mounts_source_;
};

}  // namespace mirrord
