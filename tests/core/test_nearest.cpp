#include "core/nearest.hpp"

#include <gtest/gtest.h>

namespace mirrord {
namespace {

const std::vector<std::string_view> kKeys = {"source",    "targets",       "delay",
                                             "max_delay", "identity_file", "known_hosts_file"};

TEST(Nearest, FindsWhatASlipMeant) {
  const std::pair<const char*, const char*> cases[] = {
      {"sorce", "source"},
      {"soruce", "source"},
      {"sources", "source"},
      {"target", "targets"},
      {"dealy", "delay"},
      {"max-delay", "max_delay"},
      {"known_hosts", "known_hosts_file"},
      {"identityfile", "identity_file"},
  };
  for (const auto& [word, meant] : cases) EXPECT_EQ(nearest(word, kKeys), meant) << word;
}

TEST(Nearest, DoesNotGuessWildly) {
  for (const char* word : {"", "x", "relay_host", "destination", "zzzzz"})
    EXPECT_EQ(nearest(word, kKeys), "") << word;
  EXPECT_EQ(nearest(std::string(1 << 20, 'x'), kKeys), "");
  EXPECT_EQ(nearest("source", {}), "");
}

}  // namespace
}  // namespace mirrord
