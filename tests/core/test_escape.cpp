#include "core/escape.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

using namespace std::string_literals;

struct Case {
  const char* name;
  std::string bytes, text;
};

void expect_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) EXPECT_EQ(escape(c.bytes), c.text) << c.name;
}

TEST(Escape, LeavesPrintableTextAlone) {
  expect_all({
      {"nothing", "", ""},
      {"ASCII", " !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~",
       " !\"#$%&'()*+,-./09:;<=>?@AZ[]^_`az{|}~"},
      {"two bytes", "caf\xc3\xa9", "caf\xc3\xa9"},
      {"first of two bytes that is no control", "\xc2\xa0", "\xc2\xa0"},
      {"last of two bytes", "\xdf\xbf", "\xdf\xbf"},
      {"first of three bytes", "\xe0\xa0\x80", "\xe0\xa0\x80"},
      {"before the surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf"},
      {"after the surrogates", "\xee\x80\x80", "\xee\x80\x80"},
      {"first of four bytes", "\xf0\x90\x80\x80", "\xf0\x90\x80\x80"},
      {"last code point", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
  });
}

TEST(Escape, EscapesControlCharactersAndTheBackslash) {
  expect_all({
      {"newline", "a\nb", "a\\nb"},
      {"tab and return", "\t\r", "\\t\\r"},
      {"backslash", "a\\nb", "a\\\\nb"},
      {"NUL", "a\0b"s, "a\\x00b"},
      {"escape sequence", "\x1b[31m", "\\x1b[31m"},
      {"DEL", "\x7f", "\\x7f"},
      {"first C1", "\xc2\x80", "\\xc2\\x80"},
      {"CSI", "\xc2\x9b", "\\xc2\\x9b"},
      {"last C1", "\xc2\x9f", "\\xc2\\x9f"},
  });
}

TEST(Escape, APrintableTextKeepsItsBackslashes) {
  EXPECT_EQ(printable("'a\\nb' caf\xe9\n"), "'a\\nb' caf\\xe9\\n");
}

TEST(Escape, EscapesWhatIsNoUtf8) {
  expect_all({
      {"lone continuation", "\x80", "\\x80"},
      {"Latin-1", "caf\xe9!", "caf\\xe9!"},
      {"never a lead", "\xc0\xc1\xf5\xff", "\\xc0\\xc1\\xf5\\xff"},
      {"overlong slash", "\xc0\xaf", "\\xc0\\xaf"},
      {"overlong in three bytes", "\xe0\x9f\xbf", "\\xe0\\x9f\\xbf"},
      {"overlong in four bytes", "\xf0\x8f\xbf\xbf", "\\xf0\\x8f\\xbf\\xbf"},
      {"first surrogate", "\xed\xa0\x80", "\\xed\\xa0\\x80"},
      {"last surrogate", "\xed\xbf\xbf", "\\xed\\xbf\\xbf"},
      {"beyond the last code point", "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"},
      {"cut short", "a\xc3", "a\\xc3"},
      {"three bytes cut short", "\xe2\x82", "\\xe2\\x82"},
      {"four bytes cut short", "\xf0\x9f\x98", "\\xf0\\x9f\\x98"},
      {"sound again after a bad lead", "\xe2\xc3\xa9", "\\xe2\xc3\xa9"},
      {"ASCII after a bad lead",
       "\xf0"
       "abc",
       "\\xf0"
       "abc"},
  });
}

TEST(Escape, KeepsDifferentNamesDifferent) {
  EXPECT_NE(escape("\n"), escape("\\n"));
  EXPECT_NE(escape("\xff"), escape("\\xff"));
}

}  // namespace
}  // namespace mirrord
