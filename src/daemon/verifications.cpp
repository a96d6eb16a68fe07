#include "daemon/verifications.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>
#include <system_error>

namespace mirrord {

void Verifications::begin(std::vector<Subject> subjects, Done done, uint64_t& number) {
  std::ranges::reverse(subjects);
  number = ++last_;
  calls_[number] = {std::move(subjects), {}, nullptr, std::move(done)};
  go_on();
}

void Verifications::forget(uint64_t number) {
  auto entry = calls_.find(number);
  if (entry == calls_.end()) return;
  Call& call = entry->second;
  if (!call.run) return void(calls_.erase(entry));
  call.subjects.clear();
  call.done = [](const std::vector<Verification>&) {};
  call.run->terminate();
}

/// The first of the calls run, the others wait for one of them to end.
void Verifications::go_on() {
  size_t running = 0;
  auto entry = calls_.begin();
  while (entry != calls_.end() && running < kMostAtATime) {
    if (goes_on(entry->first)) {
      ++running;
      ++entry;
      continue;
    }
    const Call ended = std::move(entry->second);
    entry = calls_.erase(entry);
    ended.done(ended.results);
  }
}

/// Starts the next comparison of a call that has none; false when there are no more.
bool Verifications::goes_on(uint64_t number) {
  Call& call = calls_.at(number);
  while (!call.run && !call.subjects.empty()) {
    Subject next = std::move(call.subjects.back());
    call.subjects.pop_back();
    try {
      call.run = start_(next.id, [this, number, next](const Run::Result& result) {
        ended(number, next, result);
      });
    } catch (const std::system_error& e) {
      call.results.push_back({next.group, next.target, {}, true, e.what()});
    }
  }
  return call.run != nullptr;
}

void Verifications::ended(uint64_t number, const Subject& subject, const Run::Result& result) {
  Verification found{subject.group, subject.target, {}, result.output_is_whole, ""};
  const Verdict verdict = result.outcome.verdict;
  // What could not be read was not compared, either.
  if (verdict != Verdict::done && verdict != Verdict::again) found.error = result.outcome.text;
  if (verdict != Verdict::failed) found.drift = read_drift(result.output, result.output_is_whole);
  Call& call = calls_.at(number);
  call.results.push_back(std::move(found));
  call.run.reset();
  go_on();
}

ptrdiff_t Verifications::sessions(const std::string& control_path) const {
  return std::ranges::count_if(calls_ | std::views::values, [&](const Call& call) {
    return call.run && call.run->control_path() == control_path;
  });
}

std::vector<std::string> Verifications::undone() const {
  std::vector<std::string> undone;
  for (const auto& [number, call] : calls_)
    if (call.run && call.run->has_ended())
      undone.push_back(
          fmt::format("rsync {} of a verification has ended and was not noticed", call.run->pid()));
  return undone;
}

}  // namespace mirrord
