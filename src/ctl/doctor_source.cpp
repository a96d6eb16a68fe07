#include "ctl/doctor_source.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>

#include "core/escape.hpp"
#include "core/filter.hpp"
#include "core/link_rule.hpp"
#include "core/path.hpp"
#include "io/fs_identity.hpp"
#include "io/handle.hpp"
#include "io/resolve.hpp"

namespace mirrord {

namespace {

namespace fs = std::filesystem;

/// A source may be huge; the daemon itself looks at all of it.
constexpr size_t kMostEntries = 200'000;
constexpr size_t kMostLinksTold = 10;

/// With the eyes of now: access(2) would ask for the real user. Other things than files and
/// directories are not opened, because some notice it.
bool can_be_read(const fs::path& path) {
  std::error_code error;
  fs::file_status status = fs::status(path, error);
  if (!fs::is_regular_file(status) && !fs::is_directory(status)) return !error;
  return static_cast<bool>(Fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC)));
}

/// Why a link of the source cannot be followed; "" = it can, or need not be.
std::string fault_of_link(const Group& group, const fs::path& link, const std::string& path) {
  std::error_code error;
  std::string text = fs::read_symlink(link, error).native();
  if (error || !is_followed(group.symlinks, path, text)) return "";
  fs::path referent = fs::canonical(link, error);
  if (error) return fmt::format("{}: {}", escape(text), error.message());
  if (!is_within(referent.native(),
                 link_bounds(group.follow_into, fs::canonical(group.source).native())))
    return fmt::format("'{}' is out of 'follow_into'", escape(referent.native()));
  return can_be_read(referent) ? "" : fmt::format("'{}' cannot be read", escape(referent.native()));
}

/// Of a link without fault.
std::optional<FollowedLink> as_followed(const Group& group, const Filter& filter,
                                        const fs::path& link, const std::string& path) {
  std::error_code error;
  const std::string text = fs::read_symlink(link, error).native();
  if (error || !is_followed(group.symlinks, path, text)) return std::nullopt;
  const fs::path referent = fs::canonical(link, error);
  if (error || !fs::is_directory(referent, error) || filter.excluded_by(path, true))
    return std::nullopt;
  return FollowedLink{path, referent.native()};
}

}  // namespace

bool check_source(Report& report, const Group& group, const User& user) {
  FsIdentity eyes(user);
  Fd directory(::open(group.source.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  int error = errno;
  std::string source = fmt::format("source '{}'", escape(group.source));
  std::error_code ignored;
  if (directory)
    report.good(group.name, fmt::format("{} can be read by user '{}'", source, user.name));
  else if (error == ENOTDIR && fs::exists(group.source, ignored))
    report.fault(group.name, source + " is no directory", "name the directory to mirror");
  else
    report.fault(group.name,
                 fmt::format("{} cannot be read by user '{}': {}", source, user.name,
                             std::generic_category().message(error)),
                 error == EACCES ? "let 'user' read it: chmod, setfacl, or another 'user'"
                                 : "make it, or mount what it is on");
  return static_cast<bool>(directory);
}

std::vector<FollowedLink> check_links(Report& report, const Group& group, const User& user) {
  FsIdentity eyes(user);
  std::vector<FollowedLink> followed{{"", fs::canonical(group.source).native()}};
  if (group.symlinks == Symlinks::preserve) return followed;
  const Filter filter(group.filter);
  size_t entries = 0, links = 0, faults = 0;
  std::error_code error;
  fs::recursive_directory_iterator walk(group.source, fs::directory_options::skip_permission_denied,
                                        error);
  for (; !error && walk != fs::recursive_directory_iterator() && entries < kMostEntries;
       walk.increment(error)) {
    ++entries;
    std::error_code ignored;
    if (!walk->is_symlink(ignored)) continue;
    ++links;
    std::string path = relative_to(walk->path().native(), group.source);
    std::string fault = fault_of_link(group, walk->path(), path);
    if (fault.empty()) {
      auto link = as_followed(group, filter, walk->path(), path);
      if (link) followed.push_back(*std::move(link));
      continue;
    }
    if (++faults > kMostLinksTold) continue;
    report.warning(group.name, fmt::format("link '{}' leads out of reach: {}", escape(path), fault),
                   "it is left out of the mirror");
  }
  std::string part =
      entries < kMostEntries ? "" : fmt::format(" (of the first {} entries)", kMostEntries);
  if (faults > kMostLinksTold)
    report.warning(group.name, fmt::format("{} more such links", faults - kMostLinksTold), "");
  report.good(group.name, fmt::format("{} of {} links lead to what can be read{}", links - faults,
                                      links, part));
  return followed;
}

void check_for_loop(Report& report, const std::string& about, const Group& group,
                    const Target& target, const std::vector<FollowedLink>& links) {
  if (target.destination.kind != Destination::Kind::local) return;
  const std::string copy = resolve("/", target.destination.path).last_seen();
  const bool deletes = group.delete_mode != DeleteMode::never;
  const auto loop = std::ranges::find_if(links, [&](const FollowedLink& link) {
    return is_entangled(copy, link.referent, link.path, deletes);
  });
  if (loop == links.end()) return;
  if (loop->path.empty())
    return report.fault(about, "the target and the source overlap", "move the target");
  report.fault(about,
               fmt::format("the target and the directory that the link '{}' leads to overlap",
                           escape(loop->path)),
               "exclude the link, or move the target");
}

}  // namespace mirrord
