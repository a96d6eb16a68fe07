// TreeWatcher: where links lead, and what that depends on.
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/link_rule.hpp"
#include "core/path.hpp"
#include "io/file_system.hpp"
#include "io/fs_identity.hpp"
#include "io/tree_watcher.hpp"

namespace mirrord {

namespace {

bool readable(const std::string& file, int flags) {
  // O_NONBLOCK: a FIFO must not make us wait for its writer.
  const Fd fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | flags));
  // A directory that can be listed and not searched shows rsync nothing but errors.
  struct stat st {};
  if (fd && ((flags & O_DIRECTORY) == 0 || ::fstatat(fd.get(), ".", &st, 0) == 0)) return true;
  return out_of_descriptors(errno);  // not known: whoever reads it finds out
}

/// Whether a link is passed over is found out anew when what it leads to is entered.
bool leads_as_before(const Link& before, LinkEnd end, const std::string& referent,
                     const Identity& identity) {
  bool passed_over = before.end == LinkEnd::loop || before.end == LinkEnd::outside;
  bool same_end = passed_over ? !referent.empty() : end == before.end;
  return same_end && referent == before.referent && identity == before.identity;
}

/// A chain of links may lead through file systems that its end is not on.
std::vector<std::string> detours_of(const Resolution& resolution) {
  std::vector<std::string> detours;
  if (resolution.path.empty()) return detours;
  // The first step is the link itself.
  for (size_t i = 1; i < resolution.steps.size(); ++i) {
    const std::string& directory = resolution.steps[i].directory;
    const bool is_known = !detours.empty() && detours.back() == directory;
    if (!is_known && !is_at_or_below(resolution.path, directory)) detours.push_back(directory);
  }
  return detours;
}

/// What an event of a step on the link's path means for the file at its end.
std::optional<ChangeKind> what_befalls_file(const Link& link, const WatchEvent& event) {
  if (event.kind != WatchEvent::Kind::attributes) return ChangeKind::data;
  const bool is_last =
      !link.pins.empty() && link.pins.back().wd == event.wd && link.pins.back().name == event.name;
  return is_last ? std::optional(ChangeKind::attributes) : std::nullopt;
}

const char* reason_for(LinkEnd end) {
  switch (end) {
    case LinkEnd::loop:
      return "the link leads back to a directory above it, it is left out";
    case LinkEnd::outside:
      return "the link leads out of follow_into =, it is left out";
    case LinkEnd::unreadable:
      return "the link leads to what the user cannot read, it is left out";
    default:
      return "";
  }
}

}  // namespace

Resolution TreeWatcher::resolve_as_user(TreeId id, const std::string& base,
                                        const std::string& path) const {
  FsIdentity eyes(trees_.at(id).rules.user);
  return resolve(base, path);
}

TreeWatcher::Resolved TreeWatcher::resolve_and_pin(TreeId tree, const std::string& base,
                                                   const std::string& path, size_t skip_steps) {
  // Watch first, look second: a step that changes in between shows as another resolution.
  constexpr int kAttempts = 5;
  Resolved result{resolve_as_user(tree, base, path), {}};
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    result.pins.clear();
    for (size_t i = skip_steps; i < result.resolution.steps.size(); ++i) {
      const Resolution::Step& step = result.resolution.steps[i];
      bool file =
          i + 1 == result.resolution.steps.size() && result.resolution.end == Resolution::End::file;
      auto added = place_watch(step.directory,
                               file ? Inotify::Interest::contents : Inotify::Interest::names);
      // What is not ours to read changes unseen, as mirrord(8) says.
      if (added.wd >= 0) result.pins.push_back({added.wd, step.name});
    }
    Resolution again = resolve_as_user(tree, base, path);
    if (again == result.resolution) break;
    result.resolution = std::move(again);
  }
  return result;
}

LinkEnd TreeWatcher::end_of(TreeId id, const Resolution& resolution) const {
  const Tree& tree = trees_.at(id);
  if (is_lost(resolution.last_seen())) return LinkEnd::unreadable;
  if (resolution.end == Resolution::End::missing) return LinkEnd::dangling;
  if (resolution.end == Resolution::End::denied) return LinkEnd::unreadable;
  FsIdentity eyes(tree.rules.user);
  bool directory = resolution.end == Resolution::End::directory;
  if (directory)
    return readable(resolution.path, O_DIRECTORY) ? LinkEnd::directory : LinkEnd::unreadable;
  if (resolution.regular && !readable(resolution.path, 0)) return LinkEnd::unreadable;
  return LinkEnd::file;
}

std::string TreeWatcher::physical_path(NodeId dir) const {
  if (LinkId via = map_.via(dir)) return map_.link(via).referent;
  return physical_entry(map_.parent(dir), map_.name(dir));
}

std::string TreeWatcher::physical_entry(NodeId dir, std::string_view name) const {
  std::string path = physical_path(dir);
  if (path != "/") path += '/';
  return path.append(name);
}

bool TreeWatcher::follows(TreeId id, const std::string& path) const {
  Symlinks rule = trees_.at(id).rules.symlinks;
  if (rule != Symlinks::follow_external) return rule == Symlinks::follow;
  char text[PATH_MAX];
  ssize_t length = ::readlink(file_path(id, path).c_str(), text, sizeof text);
  return length > 0 && is_unsafe_link(path, std::string(text, static_cast<size_t>(length)));
}

std::vector<LinkFact> TreeWatcher::links(TreeId tree) const {
  std::vector<LinkFact> facts;
  for (LinkId id : map_.links_in(tree)) {
    const Link& link = map_.link(id);
    if (link.parent != 0) facts.push_back({map_.path(link), link.referent, link.end});
  }
  return facts;
}

bool TreeWatcher::holds_copy(TreeId tree, const std::string& path, bool deletes) const {
  // The source's own file system has to answer anyway.
  Mounts others = mount_table_;
  others.erase(mount_point_of(others, resolved_source(tree)));
  const std::string copy = place_of(path, others);
  // The source is a link among them.
  return std::ranges::any_of(map_.links_in(tree), [&](LinkId id) {
    const Link& link = map_.link(id);
    return link.end == LinkEnd::directory && paths_overlap(copy, link.referent) &&
           is_entangled(copy, link.referent, map_.path(link), deletes);
  });
}

/// The bounds may be links themselves, and re-pointed together with what leads there.
bool TreeWatcher::leads_out(TreeId id, const std::string& referent) const {
  const Tree& tree = trees_.at(id);
  return tree.rules.follow_into &&
         !is_within(referent, link_bounds(tree.rules.follow_into, resolved_source(id)));
}

void TreeWatcher::add_link(NodeId parent, std::string_view name, bool live) {
  TreeId tree = map_.tree_of(parent);
  // The first step is the link itself: an event of its own directory.
  auto [resolution, pins] = resolve_and_pin(tree, physical_path(parent), std::string(name), 1);
  Link link;
  link.tree = tree;
  link.parent = parent;
  link.name = name;
  link.end = end_of(tree, resolution);
  // Kept, because it may lead to something else one day; but as good as a file: not entered, not
  // hidden from rsync, which excludes it itself.
  bool excluded = excludes(parent, name, link.end == LinkEnd::directory);
  if (excluded) link.end = LinkEnd::file;
  bool leads_somewhere = !excluded && link.end != LinkEnd::dangling && !resolution.path.empty();
  if (leads_somewhere && leads_out(tree, resolution.path)) link.end = LinkEnd::outside;
  // Of what is lost, where it would be: to know it again when that is mounted.
  link.referent = is_lost(resolution.last_seen()) ? resolution.last_seen() : resolution.path;
  link.identity = resolution.identity;
  link.detours = detours_of(resolution);
  link.pins = std::move(pins);
  LinkEnd end = link.end;
  LinkId id = map_.add_link(std::move(link));
  if (end == LinkEnd::directory) enqueue(map_.add_dir(tree, parent, name, -1, id), live);
  if (end == LinkEnd::outside || end == LinkEnd::unreadable)
    listener_.trouble(tree, {map_.path(map_.link(id)), reason_for(end)});
  // A recursive run that does not know of it would walk out of bounds.
  if (end == LinkEnd::outside && live) listener_.lost(tree);
  // What is not mirrored is not named in a list: only its directory's comparison deletes a copy.
  bool missing = resolution.absent && trees_.at(tree).rules.symlinks == Symlinks::follow;
  bool unnamed = end == LinkEnd::outside || (end == LinkEnd::dangling && !missing);
  if (unnamed && live) report(parent, "", ChangeKind::children);
}

void TreeWatcher::leave_out(const Task& task, LinkEnd end) {
  Link link = map_.link(map_.via(task.dir));
  map_.remove_dir(task.dir);
  link.end = end;
  link.dir = 0;
  const Link& left_out = map_.link(map_.add_link(std::move(link)));
  listener_.trouble(task.tree, {map_.path(left_out), reason_for(end)});
  // A recursive run that does not know of a loop would walk into it, forty levels deep.
  if (!task.live) return;
  listener_.lost(task.tree);
  report(left_out.parent, "", ChangeKind::children);
}

void TreeWatcher::link_event(LinkId id, const WatchEvent& event) {
  using Kind = WatchEvent::Kind;
  const Link& link = map_.link(id);
  if (event.kind != Kind::modified && event.kind != Kind::written) {
    auto& of_file = touched_links_[id];
    of_file = std::max(of_file, what_befalls_file(link, event));
    return;
  }
  if (link.end != LinkEnd::file) return;  // of another file of that name, deeper in its path
  if (link.parent == 0) return;           // of a file in place of the source: nothing to mirror
  if (event.kind == Kind::modified)
    report_modified(link.parent, link.name);
  else
    report(link.parent, link.name, ChangeKind::data);
}

void TreeWatcher::relink_touched() {
  for (const auto& [id, of_file] : std::exchange(touched_links_, {}))
    if (map_.has_link(id)) relink(id, of_file);
}

void TreeWatcher::relink(LinkId id, std::optional<ChangeKind> of_file) {
  const Link before = map_.link(id);
  if (before.parent == 0) return relink_source(before.tree);
  // With its pins: a directory of the path may have been made anew, and have another watch.
  const auto [now, pins] =
      resolve_and_pin(before.tree, physical_path(before.parent), before.name, 1);
  if (is_lost(now.last_seen())) return lose_link(id);
  LinkEnd end = end_of(before.tree, now);
  bool lost = before.dir != 0 && (map_.is_unreadable(before.dir) || !map_.watched(before.dir));
  if (leads_as_before(before, end, now.path, now.identity) && pins == before.pins && !lost) {
    if (end == LinkEnd::file && before.end == end && of_file)
      report(before.parent, before.name, *of_file);
    return;
  }
  bool had_directory_behind = has_directory_behind(before.parent, before.name);
  forget(before.parent, before.name);
  add_link(before.parent, before.name, true);
  // It was resolved anew there, and may lead elsewhere than a moment ago.
  const Link& after = map_.link(map_.link_at(before.parent, before.name));
  if (leads_as_before(before, after.end, after.referent, after.identity) && !lost) {
    // By a new way, on which a change of the file may have gone unseen.
    if (after.end == LinkEnd::file) report(before.parent, before.name, ChangeKind::data);
    return;
  }
  report_link(before.parent, before.name, had_directory_behind);
}

/// Whether there may be copies of what is in a directory behind the link: also where that is, or
/// was, out of sight.
bool TreeWatcher::has_directory_behind(NodeId parent, std::string_view name) const {
  LinkId link = map_.link_at(parent, name);
  if (link == 0) return false;
  LinkEnd end = map_.link(link).end;
  return end == LinkEnd::directory || end == LinkEnd::unreadable;
}

/// Of a directory that was full and is an empty one now, nothing was seen to be deleted.
void TreeWatcher::report_link(NodeId parent, std::string_view name, bool had_directory_behind) {
  bool to_directory = map_.child(parent, name) != 0;
  if (had_directory_behind && to_directory &&
      is_empty_directory(map_.link(map_.link_at(parent, name)).referent))
    listener_.doubted(map_.tree_of(parent));
  report(parent, name, to_directory ? ChangeKind::tree : ChangeKind::data);
}

}  // namespace mirrord
