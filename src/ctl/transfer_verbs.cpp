// The verbs that are about transfers: sync, wait, verify, pause and resume.
#include <fmt/format.h>
#include <systemd/sd-bus.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/config.hpp"
#include "ctl/verbs.hpp"
#include "io/handle.hpp"

namespace mirrord {

namespace {

using Clock = BusClient::Clock;

/// A comparison of a large tree takes its time.
constexpr auto kVerifyTimeout = std::chrono::hours(24 * 7);

BusClient::Message selecting(BusClient& bus, const char* member, const Selection& selection) {
  auto call = bus.method(kManagerInterface, member);
  check(sd_bus_message_append(call.get(), "ss", selection.group.c_str(), selection.target.c_str()),
        std::string("prepare the call of ") + member);
  return call;
}

uint64_t checkpoint(BusClient& bus) {
  auto reply = bus.call(bus.method(kManagerInterface, "Checkpoint"));
  uint64_t number = 0;
  check(sd_bus_message_read(reply.get(), "t", &number), "read the daemon's answer");
  return number;
}

void pause_between_looks() {
  constexpr timespec kInterval{0, 50'000'000};
  ::nanosleep(&kInterval, nullptr);
}

using Targets = std::vector<TargetStatus>;

bool source_is_missing(const Status& status, const TargetStatus& target) {
  return std::ranges::any_of(status.groups, [&](const GroupStatus& group) {
    return group.name == target.group && group.state == GroupState::source_missing;
  });
}

std::string why_not(const Status& status, const TargetStatus& target) {
  // What holds a target says so itself.
  const std::string state =
      target.state == TargetState::held ? "" : std::string(to_string(target.state));
  const std::string error =
      source_is_missing(status, target) ? "the source is missing" : target.last_error;
  const char* between = state.empty() || error.empty() ? "" : ": ";
  return fmt::format("{}/{}: {}{}{}", target.group, target.name, state, between, error);
}

/// Looks at the targets until all have reached the checkpoint, or `hopeless` says of one of them
/// that it will not, or until the deadline. Tells of those that have not.
template <class Hopeless>
Exit wait_for(BusClient& bus, const Selection& selection, uint64_t number,
              std::optional<Clock::time_point> deadline, Hopeless hopeless) {
  for (;; pause_between_looks()) {
    const Status status = selected(read_status(bus), selection);
    Targets missing = status.targets;
    std::erase_if(missing,
                  [&](const TargetStatus& target) { return target.reached_checkpoint >= number; });
    if (missing.empty()) return Exit::ok;
    auto is_hopeless = [&](const TargetStatus& target) { return hopeless(status, target); };
    bool ends =
        std::ranges::any_of(missing, is_hopeless) || (deadline && Clock::now() >= *deadline);
    if (!ends) continue;
    for (const TargetStatus& target : missing)
      std::fprintf(stderr, "%s\n", why_not(status, target).c_str());
    return Exit::failed;
  }
}

/// Waits for what was asked for just now. A target that fails meanwhile is not waited for.
Exit wait_for_sync(BusClient& bus, const Selection& selection, const Targets& before) {
  uint64_t number = checkpoint(bus);
  auto hopeless = [&](const Status& status, const TargetStatus& target) {
    auto same = std::ranges::find_if(before, [&](const TargetStatus& old) {
      return old.group == target.group && old.name == target.name;
    });
    bool failed = same != before.end() && target.state == TargetState::retrying &&
                  (target.consecutive_failures > same->consecutive_failures ||
                   target.transfers > same->transfers);
    return failed || target.state == TargetState::held || target.state == TargetState::paused ||
           source_is_missing(status, target);
  };
  return wait_for(bus, selection, number, std::nullopt, hopeless);
}

bool print_verification(const nlohmann::json& one) {
  std::string name =
      fmt::format("{}/{}", one.at("group").get<std::string>(), one.at("target").get<std::string>());
  if (auto error = one.at("error").get<std::string>(); !error.empty())
    std::fprintf(stderr, "%s: could not be compared: %s\n", name.c_str(), error.c_str());
  for (const auto& line : one.at("drift"))
    std::printf("%s: %s\n", name.c_str(), line.get<std::string>().c_str());
  if (!one.at("whole").get<bool>()) std::printf("%s: and more\n", name.c_str());
  return one.at("equal").get<bool>();
}

/// Tells how many targets are changed by it.
Exit set_paused(const BusClient::Address& address, const Selection& selection, bool paused) {
  BusClient bus(address);
  const Targets before = selected(read_status(bus), selection).targets;
  bus.call(selecting(bus, paused ? "Pause" : "Resume", selection));
  const auto changed = std::ranges::count_if(before, [&](const TargetStatus& target) {
    return (target.state == TargetState::paused) != paused;
  });
  std::printf("%s: %td target%s\n", paused ? "paused" : "resumed", changed,
              changed == 1 ? "" : "s");
  return Exit::ok;
}

}  // namespace

Exit sync(const BusClient::Address& address, const Selection& selection,
          const SyncOptions& options) {
  BusClient bus(address);
  Targets before = selected(read_status(bus), selection).targets;
  if (options.approve_deletes) bus.call(selecting(bus, "ApproveDeletes", selection));
  auto call = bus.method(kManagerInterface, "Sync");
  check(sd_bus_message_append(call.get(), "ssb", selection.group.c_str(), selection.target.c_str(),
                              static_cast<int>(options.full)),
        "prepare the call of Sync");
  bus.call(call);
  return options.wait ? wait_for_sync(bus, selection, before) : Exit::ok;
}

Exit wait(const BusClient::Address& address, const Selection& selection,
          const std::string& timeout) {
  std::optional<Clock::time_point> deadline;
  if (!timeout.empty()) {
    auto duration = parse_duration(timeout);
    if (!duration)
      throw Failure(Exit::usage, "--timeout: '" + timeout + "' is no time, as 30s or 5min");
    constexpr Duration kForever = std::chrono::hours(24 * 365);
    deadline = Clock::now() + std::min(*duration, kForever);
  }
  BusClient bus(address);
  if (deadline) bus.give_up_at(*deadline);
  uint64_t number = checkpoint(bus);
  return wait_for(bus, selection, number, deadline,
                  [](const Status&, const TargetStatus&) { return false; });
}

Exit verify(const BusClient::Address& address, const Selection& selection, bool json) {
  BusClient bus(address);
  auto reply = bus.call(selecting(bus, "Verify", selection), kVerifyTimeout);
  const char* text = nullptr;
  check(sd_bus_message_read(reply.get(), "s", &text), "read the daemon's answer");
  if (json) print_json(text);
  bool equal = true;
  // Not in the head of the loop: C++20 ends a temporary there too early.
  const auto answer = nlohmann::json::parse(text);
  for (const auto& one : answer.at("targets"))
    equal &= json ? one.at("equal").get<bool>() : print_verification(one);
  return equal ? Exit::ok : Exit::failed;
}

Exit pause(const BusClient::Address& address, const Selection& selection) {
  return set_paused(address, selection, true);
}

Exit resume(const BusClient::Address& address, const Selection& selection) {
  return set_paused(address, selection, false);
}

}  // namespace mirrord
