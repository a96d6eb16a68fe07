// Random operations without a pause, by both paths and over names of every kind; then quiet, and
// the targets must equal the source. A failure is repeated by its seed.
#include <array>
#include <random>

#include "e2e/lab.hpp"

namespace mirrord::test {
namespace {

constexpr int kOperations = 1500;
/// Longer than elsewhere: what rsync met in the midst of the storm is tried again, with back-off.
constexpr milliseconds kStormPatience{35'000};

/// One after the other, each at a place and with a name that the seed chooses. Names and places are
/// few, so that operations meet. There are no hard links: inotify(7) reports a change by the name
/// it was made through and by no other. What cannot be done, because something is in the way or
/// missing, is left undone.
class Chaos {
 public:
  Chaos(unsigned seed, std::vector<fs::path> places) : random_(seed), places_(std::move(places)) {}

  void play(int operations) {
    for (int i = 0; i < operations; ++i) {
      try {
        step();
      } catch (const std::system_error&) {
      }
    }
  }

 private:
  static constexpr std::array kNames{"a",   "b",   "c",  "d]",   "[e", "f*",
                                     "g\\", "h\n", "-i", "\xff", " j"};

  size_t below(size_t limit) {
    return std::uniform_int_distribution<size_t>(0, limit - 1)(random_);
  }
  fs::path name() { return kNames[below(kNames.size())]; }

  /// Up to three directories below one of the places.
  fs::path path() {
    fs::path result = places_[below(places_.size())] / name();
    for (size_t depth = below(3); depth > 0; --depth) result /= name();
    return result;
  }

  std::string text() { return std::string(below(2000), static_cast<char>('a' + below(26))); }

  void step() {
    switch (below(11)) {
      case 0:
      case 1:
      case 2:
        return write_file(path(), text());
      case 3:
        return append_file(path(), text());
      case 4:
        return change_mode(path(), below(2) ? 0700 : 0755);
      case 5:
      case 6:
        return fs::rename(path(), path());
      case 7:
        fs::remove(path());
        return;
      case 8:
        fs::remove_all(path());
        return;
      case 9:
        fs::create_directories(path() / name());
        return;
      default:
        return move_link();
    }
  }

  /// There is one such link for each place, so that the tree seen through them stays small; some
  /// lead in circles, some nowhere.
  void move_link() {
    const fs::path link = places_[below(places_.size())] / "link";
    const fs::path destination = below(2) ? places_[below(places_.size())] : path();
    if (below(4) == 0) {
      fs::remove(link);
    } else {
      point_link(link, destination);
    }
  }

  std::mt19937 random_;
  std::vector<fs::path> places_;
};

class Storm : public Lab, public testing::WithParamInterface<unsigned> {};

TEST_P(Storm, TargetsEqualTheSourceAfterwards) {
  make_story();
  // A link that comes to lead to an empty directory is a matter for the guard, and may hide most.
  configure({.targets = {local_target("copy"), ssh_target("tgt1")},
             .settings = "retry = { max = \"2s\" }\nmax_delete = \"off\"\n"});
  start();
  const std::vector<std::string> both{"copy", "tgt1"};
  const Comparison patient{.limit = kStormPatience};
  Chaos chaos(GetParam(), {source, source / "images", images, cgi_bins});
  chaos.play(kOperations);
  ASSERT_TRUE(arrives("after the first storm", both, patient));
  chaos.play(kOperations);
  ASSERT_TRUE(arrives("after the second storm", both, patient));
  write_file(images / "live", "still alive\n");
  ASSERT_TRUE(arrives("one more change", both, patient));
}

INSTANTIATE_TEST_SUITE_P(Seeds, Storm, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace mirrord::test
