// Engine: what becomes of one path.
#include "core/path.hpp"
#include "daemon/engine.hpp"
#include "io/file_system.hpp"
#include "io/fs_identity.hpp"

namespace mirrord {

namespace {

/// The path, or the uppermost one above it that is no directory now: what was below that has gone
/// along with it, and no change of its own was told.
std::string gone_with(const TreeWatcher& tree, TreeId id, std::string path) {
  for (std::string above = parent_of(path); !above.empty(); above = parent_of(above))
    if (tree.probe(id, above) != Entry::directory) path = above;
  return path;
}

}  // namespace

std::optional<Explanation> Engine::explain(const std::string& group,
                                           const std::string& path) const {
  const GroupRun& run = *groups_.at(group);
  const TreeWatcher& tree = watcher(run);
  const std::vector<LinkFact> links = tree.links(run.tree);
  std::vector<std::string> names =
      logical_paths(path, run.config.source, tree.resolved_source(run.tree), links);
  if (names.empty()) return std::nullopt;
  const Filter filter(run.config.filter);
  Explanation answer;
  answer.group = group;
  answer.also.assign(names.begin() + 1, names.end());
  {
    FsIdentity eyes(run.config.runs_as);
    answer.facts = look_along(run.config.source, names.front());
  }
  answer.reason = tree.state(run.tree) == TreeState::missing
                      ? "the source " + why_missing(run)
                      : why_not(answer.facts, filter, links, tree.unreadable(run.tree));
  for (const LinkFact& link : links)
    if ((link.end == LinkEnd::file || link.end == LinkEnd::directory) &&
        is_part_of(names.front(), link.path))
      answer.links.push_back(link);
  const bool is_excluded =
      filter.excluded_by(answer.facts.path, answer.facts.type == "directory") != nullptr;
  const std::string gone = gone_with(tree, run.tree, answer.facts.path);
  for (TargetId id : run.targets) {
    const TargetQueue& queue = scheduler_.queue(id);
    const bool may_lack = queue.may_lack(answer.facts.path) || queue.may_lack(gone);
    answer.targets.push_back({targets_.at(id).config.name, to_string(queue.state(loop_.now())),
                              !is_excluded && may_lack});
  }
  return answer;
}

}  // namespace mirrord
