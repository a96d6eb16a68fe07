// What takes long goes out beside the rest: a small change does not wait for it.
#include "e2e/transfer_lab.hpp"

namespace mirrord::test {
namespace {

class TransferBig : public TransferLab {
 protected:
  /// A local target, up to the end of the first sync; from then on a run whose arguments hold
  /// `option` beside a list does not go on before release().
  void begin_with(const std::string& option) {
    configure({.targets = {local_target("copy")},
               .settings = kAtOnce + noting_rsync("if [[ \" $* \" == *' " + option +
                                                  " '* && $* == *--files-from=* ]]; then\n"
                                                  "  while [[ -e @HERE@/hold ]]; do sleep 0.05; done\n"
                                                  "fi")});
    start();
    ASSERT_TRUE(arrives("first sync", {"copy"}));
    ASSERT_TRUE(target_becomes("copy", "idle"));  // what is syncing from now on is the test's
    write_file(dir / "hold", "");
  }
  void release() { fs::remove(dir / "hold"); }

  /// A small change arrives while something big does not.
  void expect_small_change_goes_by(const fs::path& big) {
    ASSERT_TRUE(wait_until([&] { return target_state("copy") == "syncing"; }));
    write_file(images / "small", "sent at once\n");
    EXPECT_TRUE(holds(copy("copy") / "images/small", "sent at once\n"));
    EXPECT_FALSE(fs::exists(copy("copy") / "images" / big));
    EXPECT_GT(number("copy", "Pending"), 0);
  }
};

TEST_F(TransferBig, ATreeWithManyEntriesIsSetAside) {
  for (int i = 0; i < 1'100; ++i)
    write_file(dir / "org/coming" / std::to_string(i % 11) / std::to_string(i), "one of many\n");
  begin_with("-r");
  fs::rename(dir / "org/coming", images / "come");
  expect_small_change_goes_by("come/0/0");
  write_file(images / "come/0/0", "changed on its way\n");
  release();
  EXPECT_TRUE(arrives("the tree", {"copy"}));
  EXPECT_TRUE(target_becomes("copy", "idle"));
}

TEST_F(TransferBig, ATreeWithABigFileIsSetAside) {
  write_file(dir / "org/coming/deep/film", std::string(17 << 20, 'f'));
  begin_with("-r");
  fs::rename(dir / "org/coming", images / "come");
  expect_small_change_goes_by("come/deep/film");
  fs::remove(images / "come/deep/film");
  release();
  EXPECT_TRUE(arrives("the tree, without what was deleted on its way", {"copy"}));
}

}  // namespace
}  // namespace mirrord::test
