// Engine: comparisons byte by byte, on request. They use no slot and change nothing.
#include <system_error>

#include "core/ssh.hpp"
#include "daemon/engine.hpp"

namespace mirrord {

Engine::Found Engine::verify(const std::string& group, const std::string& target, Verified verified,
                             uint64_t& number) {
  VerifyCall call;
  Found found = for_each_selected(
      group, target, [&](TargetId id) { call.targets.insert(call.targets.begin(), id); });
  if (found != Found::yes) return found;
  call.verified = std::move(verified);
  number = ++last_verify_call_;
  verify_calls_[number] = std::move(call);
  run_verifications();
  return found;
}

void Engine::forget_verification(uint64_t number) {
  auto entry = verify_calls_.find(number);
  if (entry == verify_calls_.end()) return;
  VerifyCall& call = entry->second;
  if (!call.run) return void(verify_calls_.erase(entry));
  call.targets.clear();
  call.verified = [](const std::vector<Verification>&) {};
  call.run->terminate();
}

/// The first of the calls run, the others wait for one of them to end.
void Engine::run_verifications() {
  size_t running = 0;
  auto entry = verify_calls_.begin();
  while (entry != verify_calls_.end() && running < kMostVerifications) {
    if (goes_on(entry->first)) {
      ++running;
      ++entry;
      continue;
    }
    VerifyCall done = std::move(entry->second);
    entry = verify_calls_.erase(entry);
    done.verified(done.results);
  }
}

/// Starts the next comparison of a call that has none; false when there are no more.
bool Engine::goes_on(uint64_t number) {
  VerifyCall& call = verify_calls_.at(number);
  while (!call.run && !call.targets.empty()) {
    TargetId id = call.targets.back();
    call.targets.pop_back();
    if (!targets_.contains(id)) continue;  // a reload has removed it
    try {
      start_verification(number, id);
    } catch (const std::system_error& e) {
      call.results.push_back(
          {targets_.at(id).group->config.name, targets_.at(id).config.name, {}, true, e.what()});
    }
  }
  return call.run != nullptr;
}

void Engine::start_verification(uint64_t number, TargetId id) {
  const TargetRun& target = targets_.at(id);
  const GroupRun& run = *target.group;
  if (watcher(run).state(run.tree) != TreeState::watching)
    throw std::system_error(ENOENT, std::generic_category(),
                            "the source is not watched: '" + run.config.source + "'");
  verify_calls_.at(number).run = std::make_unique<Run>(
      loop_, run.config, target.config, make_transfer(id, run, Lane::verify), std::nullopt,
      [this, number, name = run.config.name,
       target_name = target.config.name](const Run::Result& result) {
        Verification found{name, target_name, {}, result.output_is_whole, ""};
        // What could not be read was not compared, either.
        if (result.outcome.verdict != Verdict::done && result.outcome.verdict != Verdict::again)
          found.error = result.outcome.text;
        if (result.outcome.verdict != Verdict::failed)
          found.drift = read_drift(result.output, result.output_is_whole);
        VerifyCall& call = verify_calls_.at(number);
        call.results.push_back(std::move(found));
        call.run.reset();
        run_verifications();
      });
}

}  // namespace mirrord
