// The invariant of DESIGN guarantee 2: from its report until an rsync that started after it has
// ended cleanly, a change is pending, stuck, in a running batch or covered by a wanted full sync.
//
// A plain ledger follows every change through random histories; whenever the queue claims to have
// nothing more to do, every change must have been carried by a clean run that began after it.
#include "core/target_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace mirrord {
namespace {

using namespace std::chrono_literals;

class History {
 public:
  explicit History(unsigned seed) : random_(seed), queue_({100ms, 1s, {1s, 1min}}, seed) {
    queue_.set_activity(Activity::all);
    connect();
  }

  void step() {
    now_ += Duration(std::chrono::milliseconds(pick(200)));
    switch (pick(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return change();
      case 4:
        return queue_.want_full(now_);
      case 5:
        return queue_.hurry(now_);
      case 6:
        return queue_.set_paused(paused_ = pick(2) == 0);
      case 7:
      case 8:
        return pick(3) == 0 ? finish_big(verdict()) : finish_live(verdict());
      case 9:
        return finish_full(full_verdict());
      default:
        return start();
    }
  }

  /// Everything that is missing on the target must be somewhere.
  void expect_nothing_lost() const {
    bool full = queue_.full().wanted() || queue_.full().running() || queue_.full().held();
    bool somewhere = queue_.pending() > 0 || full;
    if (missing_.empty()) return;
    ASSERT_TRUE(somewhere) << "'" << missing_.front().path << "' is lost";
    ASSERT_TRUE(queue_.oldest_pending());
  }

  /// From here on all goes well: the queue must come to rest with nothing missing.
  void calm_down() {
    queue_.set_paused(paused_ = false);
    finish_live(Verdict::done);
    finish_big(Verdict::done);
    finish_full(Verdict::done);
    for (int i = 0; i < 20 && !at_rest(); ++i) {
      now_ += 2min;
      queue_.approve(now_);
      start();
      finish_live(Verdict::done);
      finish_big(Verdict::done);
      finish_full(Verdict::done);
    }
    ASSERT_TRUE(at_rest());
    ASSERT_EQ(queue_.state(now_), TargetState::idle);
    for (const Missing& change : missing_) ADD_FAILURE() << "'" << change.path << "' is lost";
  }

 private:
  struct Missing {
    std::string path;
    ChangeKind kind;
    uint64_t tick;
  };
  struct LiveRun {
    Batch batch;
    uint64_t started = 0;
  };

  unsigned pick(unsigned n) { return static_cast<unsigned>(random_() % n); }
  Verdict verdict() {
    constexpr Verdict kVerdicts[] = {Verdict::done, Verdict::again, Verdict::partial,
                                     Verdict::failed};
    return kVerdicts[pick(4)];
  }
  Verdict full_verdict() {
    constexpr Verdict kVerdicts[] = {Verdict::withheld, Verdict::held};
    return pick(3) == 0 ? kVerdicts[pick(2)] : verdict();
  }
  bool at_rest() const {
    return queue_.pending() == 0 && !queue_.full().wanted() && !queue_.running() && !queue_.full().held();
  }
  void connect() {
    if (queue_.connected()) return;
    queue_.start_connecting();
    end(JobKind::connect, Verdict::done, std::nullopt);
  }

  void change() {
    static const char* const kPaths[] = {"", "a", "a/b", "a/b/c", "d", "d/e"};
    std::string path = kPaths[pick(6)];
    auto kind = static_cast<ChangeKind>(pick(4));
    // The root's tree absorbs everything: rarely, or nothing else is tested.
    if (path.empty() && pick(4) != 0) path = "a";
    queue_.changed(path, kind, now_);
    ++tick_;
    missing_.push_back({path, kind, tick_});
    if (full_) changed_during_full_.insert(path);
    auto touches = [&](const std::string& big) {
      return is_below(big, path) || is_below(path, big);
    };
    if (big_ && std::ranges::any_of(big_->batch.paths, touches)) changed_during_big_.insert(path);
  }

  void start() {
    if (auto due = queue_.due(JobKind::live); due && *due <= now_) {
      ASSERT_FALSE(paused_);
      live_ = {queue_.start_live(), tick_};
      const bool may_be_big =
          live_->batch.kind == ChangeKind::data || live_->batch.kind == ChangeKind::tree;
      if (may_be_big && pick(2) == 0) take_one_out();
    }
    if (auto due = queue_.due(JobKind::big); due && *due <= now_) big_ = {queue_.start_big(), tick_};
    if (auto due = queue_.due(JobKind::full); due && *due <= now_) {
      queue_.start_full();
      full_ = tick_;
      changed_during_full_.clear();
    }
  }

  void take_one_out() {
    std::string path = live_->batch.paths.back();
    if (live_->batch.kind == ChangeKind::tree || pick(2) == 0)
      queue_.set_aside({path});
    else
      queue_.put_back(JobKind::live, {path});
    live_->batch.paths.pop_back();
  }

  static bool is_below(const std::string& path, const std::string& top) {
    return top.empty() || path == top || path.starts_with(top + '/');
  }

  static bool carries(const Batch& batch, const Missing& change) {
    return std::ranges::any_of(batch.paths, [&](const std::string& sent) {
      return (sent == change.path && batch.kind >= change.kind) ||
             (batch.kind == ChangeKind::tree && is_below(change.path, sent));
    });
  }

  /// What rsync names in an error, or nothing where its words are not understood.
  std::optional<std::vector<std::string>> complaint(const std::vector<std::string>& paths) {
    if (pick(2) == 0 || paths.empty()) return std::nullopt;
    return std::vector{paths[pick(static_cast<unsigned>(paths.size()))]};
  }

  void finish_live(Verdict verdict) { finish_batch(JobKind::live, live_, verdict); }
  void finish_big(Verdict verdict) {
    // What it read before a change, it may have written after that change was sent.
    if (big_)
      for (const std::string& path : changed_during_big_)
        missing_.push_back({path, ChangeKind::attributes, tick_});
    changed_during_big_.clear();
    finish_batch(JobKind::big, big_, verdict);
  }

  void finish_batch(JobKind kind, std::optional<LiveRun>& run, Verdict verdict) {
    if (!run) return;
    auto [batch, started] = *std::exchange(run, std::nullopt);
    std::optional<std::vector<std::string>> unsent;
    if (verdict == Verdict::again || verdict == Verdict::partial) unsent = complaint(batch.paths);
    if (unsent)
      std::erase_if(batch.paths, [&](const std::string& path) {
        return is_below(path, unsent->front()) || is_below(unsent->front(), path);
      });
    if (verdict == Verdict::done || unsent)
      std::erase_if(missing_, [&, &sent = batch, tick = started](const Missing& change) {
        return change.tick <= tick && carries(sent, change);
      });
    end(kind, verdict, unsent);
  }

  void finish_full(Verdict verdict) {
    if (!full_) return;
    uint64_t started = *std::exchange(full_, std::nullopt);
    std::optional<std::vector<std::string>> unsent;
    if (verdict == Verdict::partial) unsent = complaint({"a", "a/b", "d/e"});
    if (verdict == Verdict::done || unsent)
      std::erase_if(missing_, [&](const Missing& change) {
        return change.tick <= started && !(unsent && is_below(change.path, unsent->front()));
      });
    // What it read before a change, it may have written after that change was sent.
    for (const std::string& path : changed_during_full_)
      missing_.push_back({path, ChangeKind::attributes, tick_});
    end(JobKind::full, verdict, unsent);
  }

  void end(JobKind kind, Verdict verdict, std::optional<std::vector<std::string>> unsent) {
    Outcome outcome;
    outcome.verdict = verdict;
    outcome.unsent = std::move(unsent);
    queue_.finished(kind, outcome, now_);
    connect();
  }

  std::minstd_rand random_;
  TargetQueue queue_;
  Instant now_{1h};
  bool paused_ = false;
  uint64_t tick_ = 0;  // counts changes: times may be equal
  std::vector<Missing> missing_;
  std::optional<LiveRun> live_;
  std::optional<LiveRun> big_;
  std::set<std::string> changed_during_big_;
  std::optional<uint64_t> full_;
  std::set<std::string> changed_during_full_;
};

TEST(NothingIsLost, InRandomHistories) {
  for (unsigned seed = 1; seed <= 400; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    History history(seed * 7919);
    for (int i = 0; i < 100; ++i) {
      history.step();
      history.expect_nothing_lost();
      if (testing::Test::HasFailure()) return;
    }
    history.calm_down();
    if (testing::Test::HasFailure()) return;
  }
}

}  // namespace
}  // namespace mirrord
