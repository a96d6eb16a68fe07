// Engine: comparisons byte by byte, on request. They use no slot and change nothing.
#include <system_error>

#include "core/ssh.hpp"
#include "daemon/engine.hpp"

namespace mirrord {

Engine::Found Engine::verify(const std::string& group, const std::string& target,
                             Verified verified) {
  VerifyCall call;
  Found found = for_each_selected(
      group, target, [&](TargetId id) { call.targets.insert(call.targets.begin(), id); });
  if (found != Found::yes) return found;
  call.verified = std::move(verified);
  verify_calls_[++last_verify_call_] = std::move(call);
  verify_next(last_verify_call_);
  return found;
}

void Engine::verify_next(uint64_t number) {
  VerifyCall& call = verify_calls_.at(number);
  call.run.reset();
  while (!call.targets.empty()) {
    TargetId id = call.targets.back();
    call.targets.pop_back();
    if (!targets_.contains(id)) continue;  // a reload has removed it
    try {
      return start_verification(number, id);
    } catch (const std::system_error& e) {
      call.results.push_back(
          {targets_.at(id).group->config.name, targets_.at(id).config.name, {}, true, e.what()});
    }
  }
  VerifyCall done = std::move(call);
  verify_calls_.erase(number);
  done.verified(done.results);
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
        verify_calls_.at(number).results.push_back(std::move(found));
        verify_next(number);
      });
}

}  // namespace mirrord
