// Which links rsync calls unsafe. tests/io asks the installed rsync about many more.
#include "core/link_rule.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

TEST(LinkRule, UnsafeIsWhatLeadsOutOrMight) {
  const struct {
    const char* path;
    const char* text;
    bool unsafe;
  } cases[] = {
      {"l", "", true},
      {"l", "/etc", true},
      {"l", "f", false},
      {"l", "d/f", false},
      {"l", ".", false},
      {"l", "..", true},
      {"d/l", "..", false},
      {"d/l", "../f", false},
      {"d/l", "../../f", true},
      {"d/e/l", "..//../f", false},
      {"d/e/l", "../..", true},  // by its end, although it stays within
      {"d/e/l", "../../", false},
      {"d/e/l", "a/../f", true},
      {"d/e/l", "a/..", true},
      {"d/e/l", "./../f", true},
      {"d/e/l", "..f/f", false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(is_unsafe_link(c.path, c.text), c.unsafe) << c.path << " -> " << c.text;
}

TEST(LinkRule, ACopyIsNoPartOfWhatIsCopied) {
  const struct {
    const char *copy, *referent, *path;
    bool deletes, entangled;
  } cases[] = {
      {"/copy", "/source", "", true, false},         {"/source/copy", "/source", "", false, true},
      {"/source", "/source", "", false, true},       {"/srv", "/srv/source", "", false, true},
      {"/ext/copy", "/ext", "l", false, true},       {"/ext", "/ext/l", "l", false, true},
      {"/ext", "/ext/other", "l", false, false},     {"/ext", "/ext/other", "l", true, true},
      {"/ext/copy", "/ext/copy2", "l", true, false},
  };
  for (const auto& c : cases)
    EXPECT_EQ(is_entangled(c.copy, c.referent, c.path, c.deletes), c.entangled)
        << c.copy << ' ' << c.referent;
}

}  // namespace
}  // namespace mirrord
