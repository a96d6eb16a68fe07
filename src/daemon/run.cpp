#include "daemon/run.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

namespace mirrord {

namespace {

User user_of(const Group& group) {
  if (group.user.empty()) return current_user();
  if (auto user = find_user(group.user)) return *user;
  throw std::system_error(ENOENT, std::generic_category(), "look up user '" + group.user + "'");
}

Command make_command(const Group& group, std::vector<std::string> argv, const std::string& list) {
  User user = user_of(group);
  return {std::move(argv), child_environment(user), user, list};
}

}  // namespace

Run::Run(Loop& loop, const Group& group, const Target& target, const Transfer& transfer,
         const std::string& list, Done done)
    : started_(loop.now()),
      process_(loop, make_command(group, rsync_command(group, target, transfer), list),
               [this, &loop, paths = std::ranges::count(list, '\0'),
                done = std::move(done)](const ProcessResult& ended) {
                 Result result{interpret(ended.exit.status, ended.exit.signal, ended.error),
                               ended.error, loop.now() - started_, static_cast<size_t>(paths)};
                 read_stats(ended.output, result.outcome);
                 done(result);
               }) {}

}  // namespace mirrord
