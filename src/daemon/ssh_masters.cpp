#include "daemon/ssh_masters.hpp"

#include <fmt/format.h>

#include <system_error>
#include <utility>

#include "core/rsync_result.hpp"
#include "core/ssh.hpp"
#include "daemon/child_command.hpp"
#include "io/log.hpp"
#include "io/runtime_dir.hpp"

namespace mirrord {

namespace {

// A login may take longer than the connection: name look-ups, a slow pam_systemd.
constexpr auto kLoginTime = std::chrono::seconds(20);

/// ssh says so when it goes on without sharing, or cannot.
bool refuses_to_share(const ProcessResult& result) {
  return result.error.find("ControlSocket") != std::string::npos ||
         result.error.find("ControlPath") != std::string::npos ||
         result.error.find("unix_listener") != std::string::npos;
}

}  // namespace

void SshMasters::ask(TargetId target, const Group& group, const Target& config, Answered answered) {
  if (config.destination.kind != Destination::Kind::ssh || !config.ssh.multiplex)
    return answered({true, config.ssh.multiplex ? kNoMaster : "", {}});
  Connection& connection = connection_of(target, group, config);
  if (connection.refused) return answered({true, kNoMaster, {}});
  if (connection.master && connection.master->is_ready())
    return answered({true, connection.socket, {}});
  connection.waiting[target] = {&group, &config, std::move(answered)};
  try_to_start(connection);
}

SshMasters::Connection& SshMasters::connection_of(TargetId target, const Group& group,
                                                  const Target& config) {
  std::string key = connection_key(group.user, config.ssh, config.destination);
  auto [entry, is_new] = connections_.try_emplace(key, target);
  Connection& connection = entry->second;
  if (is_new)
    connection.next_login = loop_.timer([this, &connection] { try_to_start(connection); });
  connection.targets.insert(target);
  connection.retry = group.retry;
  return connection;
}

void SshMasters::try_to_start(Connection& connection) {
  if (connection.master || connection.waiting.empty()) return;
  Instant next = connection.backoff.until();
  if (next > loop_.now()) return loop_.arm(connection.next_login, next);
  const Waiting& first = connection.waiting.begin()->second;
  try {
    start(connection, *first.group, *first.config);
  } catch (const std::system_error& e) {
    answer(connection, {false, "", failed_because(e.what())});
  }
  if (connection.refused) answer(connection, {true, kNoMaster, {}});
}

void SshMasters::hurry(TargetId target) {
  for (auto& [key, connection] : connections_) {
    if (!connection.targets.contains(target)) continue;
    connection.backoff.skip(loop_.now());
    try_to_start(connection);
  }
}

std::optional<Instant> SshMasters::next_login(TargetId target) const {
  for (const auto& [key, connection] : connections_)
    if (connection.waiting.contains(target) && !connection.master)
      return connection.backoff.until();
  return std::nullopt;
}

void SshMasters::start(Connection& connection, const Group& group, const Target& config) {
  try {
    connection.socket = new_socket_path(group.runs_as);
  } catch (const std::system_error& e) {
    log::write(LogLevel::warning,
               fmt::format("no place for ssh masters, each transfer makes its own connection: {}",
                           e.what()));
    connection.refused = true;
    return;
  }
  connection.master = std::make_unique<SshMaster>(
      loop_,
      child_command(group, ssh_master_command(config.ssh, config.destination, connection.socket)),
      connection.socket, config.ssh.connect_timeout + kLoginTime,
      SshMaster::Listener{
          [this, &connection] { became_ready(connection); },
          [this, &connection](const ProcessResult& result) { ended(connection, result); }});
}

void SshMasters::answer(Connection& connection, const Answer& answer) {
  auto waiting = std::exchange(connection.waiting, {});
  for (auto& [target, asker] : waiting) asker.answered(answer);
}

void SshMasters::became_ready(Connection& connection) {
  connection.backoff.succeeded();
  for (TargetId target : std::set(connection.targets)) listener_.reachable(target);
  answer(connection, {true, connection.socket, {}});
}

void SshMasters::ended(Connection& connection, const ProcessResult& result) {
  std::unique_ptr<SshMaster> master = std::move(connection.master);
  if (!master->is_ready()) connection.backoff.failed(connection.retry, loop_.now());
  // Those who wait learn why; the others learn that what they had is gone.
  std::set<TargetId> connected = connection.targets;
  for (const auto& [target, asker] : connection.waiting) connected.erase(target);
  if (refuses_to_share(result)) {
    connection.refused = true;
    answer(connection, {true, kNoMaster, {}});
  } else {
    answer(connection, {false, "", connection_failure(result.error)});
  }
  for (TargetId target : connected) listener_.lost(target);
}

void SshMasters::release(TargetId target) {
  for (auto entry = connections_.begin(); entry != connections_.end();) {
    Connection& connection = entry->second;
    connection.waiting.erase(target);
    bool was_last = connection.targets.erase(target) != 0 && connection.targets.empty();
    entry = was_last ? connections_.erase(entry) : std::next(entry);
  }
}

std::vector<std::string> SshMasters::undone(Instant now) const {
  std::vector<std::string> undone;
  for (const auto& [key, connection] : connections_)
    if (std::string duty = connection.master ? connection.master->undone(now) : ""; !duty.empty())
      undone.push_back(std::move(duty));
  return undone;
}

}  // namespace mirrord
