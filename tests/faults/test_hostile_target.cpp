// A target whose rsync does what it likes: floods, rubbish, silence. It hurts itself alone.
#include <algorithm>

#include "faults/fault_lab.hpp"

namespace mirrord::test {
namespace {

struct Hostility {
  const char* name;
  const char* deed;  ///< bash(1), on the target, in place of rsync
};

void PrintTo(const Hostility& hostility, std::ostream* out) { *out << hostility.name; }

constexpr const char* kUp = "rsync: [receiver] mkstemp \\\"/../../etc/x\\\" failed: No (13)";

const Hostility kHostilities[] = {
    {"FloodsItsErrors", "yes 'rsync: [receiver] something is very wrong here' >&2"},
    {"FloodsItsErrorsAndFails", "yes 'rsync: [receiver] wrong' | head -c 50000000 >&2; exit 23"},
    {"ComplainsInOneLongLine", "head -c 900000 /dev/zero | tr '\\0' x >&2; exit 12"},
    {"SendsRubbish", "head -c 1000000 /dev/urandom; sleep 60"},
    {"SendsRubbishWithoutAnEnd", "cat /dev/urandom"},
    {"TalksBeforeTheProtocol", "yes 'Welcome to this host'"},
    {"LosesItsVoiceInTheMidst", "rsync \"$@\" | head -c 60; sleep 60"},
    {"StaysSilent", "sleep 60"},
    {"SpeaksToTheTerminal", "printf 'rsync: \\033]0;owned\\a\\n' >&2; exit 1"},
    {"SaysYesAndDoesNothing", "exit 0"},
    {"NamesPathsThatLeadUp", "echo \"@UP@\" >&2; rsync \"$@\"; exit 23"},
};

/// But for the ends of the log's own lines.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return c != '\n' && (byte < 0x20 || byte == 0x7f);
}

class HostileTarget : public FaultLab, public testing::WithParamInterface<Hostility> {};

TEST_P(HostileTarget, HurtsItselfAlone) {
  constexpr size_t kLogLimit = 200'000, kMemoryGrowth = 64, kTextLimit = 5'000;
  const std::string deed = filled(GetParam().deed, {{"UP", kUp}});
  const fs::path there =
      stand_in("rsync-there", "if [[ -e @HERE@/armed ]]; then " + deed + "; exit; fi");
  begin("rsync = { timeout = \"2s\", remote_program = \"" + there.native() + "\" }", "",
        {{"ASAN_OPTIONS", "quarantine_size_mb=1"}});
  ASSERT_TRUE(nothing_is_lost());
  const size_t memory_before = memory();
  write_file(dir / "armed", "");
  // It is asked once more, by a connection that it did not have before.
  server("host1").stop();
  server("host1").start();
  write_file(images / "for-the-victim", "it does not want it\n");
  ASSERT_TRUE(wait_until([&] { return !last_error("victim").empty(); }));
  EXPECT_TRUE(others_go_on());
  EXPECT_LE(last_error("victim").size(), kTextLimit);
  EXPECT_LE(memory(), memory_before + kMemoryGrowth);
  EXPECT_LE(daemon->log().size(), kLogLimit);
  EXPECT_TRUE(std::ranges::none_of(daemon->log(), is_control)) << escaped(daemon->log());
  fs::remove(dir / "armed");
  EXPECT_TRUE(nothing_is_lost());
}

INSTANTIATE_TEST_SUITE_P(Each, HostileTarget, testing::ValuesIn(kHostilities),
                         [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace mirrord::test
