// Engine: what becomes of one path.
#include "daemon/engine.hpp"
#include "io/file_system.hpp"
#include "io/fs_identity.hpp"

namespace mirrord {

std::optional<Explanation> Engine::explain(const std::string& group,
                                           const std::string& path) const {
  const GroupRun& run = *groups_.at(group);
  const TreeWatcher& tree = watcher(run);
  const std::vector<LinkFact> links = tree.links(run.tree);
  std::vector<std::string> names =
      logical_paths(path, run.config.source, tree.resolved_source(run.tree), links);
  if (names.empty()) return std::nullopt;
  Explanation answer;
  answer.group = group;
  answer.also.assign(names.begin() + 1, names.end());
  {
    FsIdentity eyes(run.config.runs_as);
    answer.facts = look_along(run.config.source, names.front());
  }
  answer.reason =
      tree.state(run.tree) == TreeState::missing
          ? "the source is missing, no directory or cannot be read"
          : why_not(answer.facts, Filter(run.config.filter), links, tree.unreadable(run.tree));
  for (const LinkFact& link : links)
    if ((link.end == LinkEnd::file || link.end == LinkEnd::directory) &&
        is_part_of(names.front(), link.path))
      answer.links.push_back(link);
  for (TargetId id : run.targets) {
    const TargetQueue& queue = scheduler_.queue(id);
    answer.targets.push_back({targets_.at(id).config.name, to_string(queue.state(loop_.now())),
                              answer.reason.empty() && queue.may_lack(names.front())});
  }
  return answer;
}

}  // namespace mirrord
