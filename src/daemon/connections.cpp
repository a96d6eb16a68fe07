#include "daemon/connections.hpp"

#include <algorithm>
#include <ranges>
#include <system_error>
#include <utility>

#include "core/ssh.hpp"

namespace mirrord {

namespace {

constexpr const char* kLost = "the connection was lost";

}  // namespace

Connections::Connections(Loop& loop, SshMasters::Listener listener, SessionFor session_for)
    : loop_(loop),
      session_for_(std::move(session_for)),
      masters_(loop, {listener.reachable, [this, listener](TargetId id) {
                        if (auto link = links_.find(id); link != links_.end())
                          link->second.lost = true;
                        listener.lost(id);
                      }}) {}

void Connections::open(TargetId id, const Group& group, const Target& target, Opened opened) {
  Link fresh;
  fresh.can = links_[id].can;
  links_[id] = std::move(fresh);
  forget_waiting(id);
  masters_.ask(id, group, target, [=, this, &group, &target](const SshMasters::Answer& answer) {
    answered(id, group, target, answer, opened);
  });
}

void Connections::answered(TargetId id, const Group& group, const Target& target,
                           const SshMasters::Answer& answer, const Opened& opened) {
  if (!answer.reached) return opened(answer.failure);
  Link& link = links_.at(id);
  link.control_path = answer.control_path;
  if (is_master(link.control_path) && probes(link.control_path) >= kProbesAtOnce)
    waiting_.push_back(
        {id, link.control_path, [=, this, &group, &target] { probe(id, group, target, opened); }});
  else
    probe(id, group, target, opened);
}

void Connections::probe(TargetId id, const Group& group, const Target& target,
                        const Opened& opened) {
  Link& link = links_.at(id);
  const std::string control_path = link.control_path;
  if (link.lost) {  // while it waited
    opened(failed_because(kLost));
    return probe_next(control_path);
  }
  try {
    link.probe = std::make_unique<Probe>(
        loop_, group, target, session_for_(link.control_path),
        [this, id, opened](const Probe::Result& result) { probed(id, result, opened); });
  } catch (const std::system_error& e) {
    opened(failed_because(e.what()));
    probe_next(control_path);
  }
}

void Connections::probed(TargetId id, const Probe::Result& result, const Opened& opened) {
  Link& link = links_.at(id);
  auto ended = std::move(link.probe);
  const Capabilities before = std::exchange(link.can, result.can);
  if (before.here == link.can.here && before.there == link.can.there)
    link.can.refused = before.refused;
  const std::string control_path = link.control_path;
  opened(link.lost ? failed_because(kLost) : result.outcome);
  probe_next(control_path);
}

void Connections::probe_next(const std::string& control_path) {
  if (probes(control_path) >= kProbesAtOnce) return;
  const auto next = std::ranges::find(waiting_, control_path, &WaitingProbe::control_path);
  if (next == waiting_.end()) return;
  const auto start = std::move(next->start);
  waiting_.erase(next);
  start();
}

void Connections::forget_waiting(TargetId id) {
  std::erase_if(waiting_, [&](const WaitingProbe& one) { return one.target == id; });
}

ptrdiff_t Connections::probes(const std::string& control_path) const {
  return std::ranges::count_if(links_ | std::views::values, [&](const Link& link) {
    return link.probe && link.probe->control_path() == control_path;
  });
}

const Connections::Link* Connections::find(TargetId id) const {
  auto found = links_.find(id);
  return found == links_.end() ? nullptr : &found->second;
}

std::vector<std::string> Connections::undone(Instant now) const {
  std::vector<std::string> undone = masters_.undone(now);
  for (const auto& [id, link] : links_)
    if (std::string duty = link.probe ? link.probe->undone(now) : ""; !duty.empty())
      undone.push_back(std::move(duty));
  return undone;
}

void Connections::close(TargetId id) {
  forget_waiting(id);
  const auto closed = links_.extract(id);
  masters_.release(id);
  if (closed) probe_next(closed.mapped().control_path);
}

void Connections::close_all() {
  waiting_.clear();
  links_.clear();
  masters_.clear();
}

}  // namespace mirrord
