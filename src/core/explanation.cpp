#include "core/explanation.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/escape.hpp"
#include "core/path.hpp"

namespace mirrord {

namespace {

bool is_followed(const LinkFact& link) {
  return link.end == LinkEnd::file || link.end == LinkEnd::directory;
}

std::string why_left_out(const LinkFact& link) {
  std::string name = escape(link.path);
  std::string to = escape(link.referent);
  switch (link.end) {
    case LinkEnd::dangling:
      return fmt::format("the link '{}' leads nowhere", name);
    case LinkEnd::loop:
      return fmt::format("the link '{}' leads to a directory that it is in", name);
    case LinkEnd::outside:
      return fmt::format("the link '{}' leads out of 'follow_into', to '{}'", name, to);
    case LinkEnd::unreadable:
      return fmt::format("the link '{}' leads to what the group's user cannot read", name);
    case LinkEnd::file:
    case LinkEnd::directory:
      break;
  }
  return "";
}

}  // namespace

std::vector<std::string> logical_paths(const std::string& path, const std::string& source,
                                       const std::string& resolved_source,
                                       const std::vector<LinkFact>& links) {
  std::string plain = std::filesystem::path(path).lexically_normal().native();
  if (plain.size() > 1 && plain.ends_with('/')) plain.pop_back();
  if (plain == ".") plain.clear();
  if (plain == ".." || plain.starts_with("../")) return {};
  if (!plain.starts_with('/')) return {plain};
  std::vector<std::string> names;
  auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  };
  for (const std::string& top : {source, resolved_source})
    if (!top.empty() && is_at_or_below(plain, top)) add(relative_to(plain, top));
  for (const LinkFact& link : links)
    if (is_followed(link) && is_at_or_below(plain, link.referent))
      add(join(link.path, relative_to(plain, link.referent)));
  return names;
}

std::string why_not(const PathFacts& facts, const Filter& filter,
                    const std::vector<LinkFact>& links,
                    const std::vector<std::string>& unreadable) {
  if (const FilterRule* rule = filter.excluded_by(facts.path, facts.type == "directory"))
    return fmt::format("excluded by the rule '{}'", escape(text_of(*rule)));
  for (const LinkFact& link : links)
    if (!is_followed(link) && is_part_of(facts.path, link.path)) return why_left_out(link);
  for (const std::string& symlink : facts.symlinks) {
    bool stays = std::ranges::find(links, symlink, &LinkFact::path) == links.end();
    if (stays && symlink != facts.path)
      return fmt::format("it is behind the link '{}', which stays a link", escape(symlink));
  }
  for (const std::string& directory : unreadable)
    if (is_part_of(facts.path, directory) && facts.path != directory)
      return fmt::format("the directory '{}' cannot be read by the group's user, or is not mounted",
                         escape(directory));
  if (!facts.readable) return "the group's user cannot read it";
  return facts.type == "missing" ? "there is no such file" : "";
}

std::string to_json(const Explanation& of) {
  using Json = nlohmann::ordered_json;
  Json links = Json::array();
  for (const LinkFact& link : of.links)
    links.push_back({{"path", escape(link.path)}, {"to", escape(link.referent)}});
  Json targets = Json::array();
  for (const Explanation::Lack& one : of.targets)
    targets.push_back({{"name", one.target}, {"state", one.state}, {"pending", one.pending}});
  Json also = Json::array();
  for (const std::string& path : of.also) also.push_back(escape(path));
  return Json{{"group", of.group},
              {"path", escape(of.facts.path)},
              {"file", escape(of.facts.file)},
              {"type", of.facts.type},
              {"mirrored", of.reason.empty()},
              {"reason", of.reason},
              {"links", links},
              {"also", also},
              {"targets", targets}}
      .dump();
}

}  // namespace mirrord
