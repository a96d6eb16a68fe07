#include "io/event.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>
#include <vector>

#include "io/handle.hpp"
#include "io/loop.hpp"

namespace mirrord {
namespace {

using namespace std::chrono_literals;
using test::run_until;

struct Pipe {
  Pipe() {
    int fds[2];
    check_errno(::pipe2(fds, O_CLOEXEC | O_NONBLOCK), "create a pipe");
    read = Fd(fds[0]);
    write = Fd(fds[1]);
  }
  Fd read, write;
};

pid_t fork_child(int exit_status) {
  pid_t pid = ::fork();
  if (pid == 0) ::_exit(exit_status);
  return pid;
}

TEST(Loop, ATimerFiresOnceAndNotBeforeItsTime) {
  Loop loop;
  int fired = 0;
  Source timer = loop.timer([&] { ++fired; });
  Instant when = loop.now() + 20ms;
  loop.arm(timer, when);
  ASSERT_TRUE(run_until(loop, [&] { return fired > 0; }));
  EXPECT_GE(loop.now(), when);
  while (loop.now() < when + 20ms) loop.run_once(5ms);
  EXPECT_EQ(fired, 1);
}

TEST(Loop, ATimerCanBeArmedAgainMovedAndDisarmed) {
  Loop loop;
  int disarmed = 0, moved = 0, last = 0;
  Source never = loop.timer([&] { ++disarmed; });
  Source twice = loop.timer([&] { ++moved; });
  Source end = loop.timer([&] { ++last; });
  Instant start = loop.now();
  loop.arm(never, start + 1ms);
  loop.arm(never, std::nullopt);
  loop.arm(twice, start + 1h);
  loop.arm(twice, start);
  ASSERT_TRUE(run_until(loop, [&] { return moved == 1; }));
  loop.arm(twice, loop.now());
  ASSERT_TRUE(run_until(loop, [&] { return moved == 2; }));
  loop.arm(end, loop.now() + 10ms);
  ASSERT_TRUE(run_until(loop, [&] { return last == 1; }));
  EXPECT_EQ(disarmed, 0);
}

TEST(Loop, TellsWhenADescriptorIsReady) {
  Loop loop;
  Pipe pipe;
  std::string received;
  Source source = loop.on_io(pipe.read.get(), EPOLLIN, [&](uint32_t events) {
    EXPECT_TRUE(events & EPOLLIN);
    char c = 0;
    while (::read(pipe.read.get(), &c, 1) == 1) received += c;
  });
  EXPECT_TRUE(loop.run_once(0ms));
  EXPECT_EQ(received, "");
  ASSERT_EQ(::write(pipe.write.get(), "abc", 3), 3);
  ASSERT_TRUE(run_until(loop, [&] { return received == "abc"; }));
  source.reset();
  EXPECT_FALSE(source);
  ASSERT_EQ(::write(pipe.write.get(), "d", 1), 1);
  EXPECT_TRUE(loop.run_once(0ms));
  EXPECT_EQ(received, "abc") << "no calls after reset()";
}

TEST(Loop, HandlesBlockedSignals) {
  Loop loop;
  int seen = 0;
  Source source = loop.on_signal(SIGUSR1, [&] { ++seen; });
  ::kill(::getpid(), SIGUSR1);
  EXPECT_TRUE(run_until(loop, [&] { return seen == 1; }));
}

TEST(Loop, ReapsChildrenAndTellsHowTheyEnded) {
  Loop loop;
  std::vector<std::pair<int, int>> ends;
  auto note = [&](ChildExit exit) { ends.emplace_back(exit.status, exit.signal); };
  pid_t plain = fork_child(3);
  Source first = loop.on_child(plain, note);
  ASSERT_TRUE(run_until(loop, [&] { return ends.size() == 1; }));
  EXPECT_EQ(ends[0], (std::pair<int, int>{3, 0}));
  EXPECT_EQ(::waitpid(plain, nullptr, WNOHANG), -1) << "reaped";
  pid_t killed = ::fork();
  if (killed == 0)
    while (true) ::pause();
  Source second = loop.on_child(killed, note);
  ::kill(killed, SIGKILL);
  ASSERT_TRUE(run_until(loop, [&] { return ends.size() == 2; }));
  EXPECT_EQ(ends[1], (std::pair<int, int>{0, SIGKILL}));
}

TEST(Loop, WorkOfEachTurnHoldsUpNothing) {
  Loop loop;
  std::string order;
  Source turn = loop.each_turn([&] { order += 't'; });
  loop.run_once(0ms);
  Source after;
  after = loop.after_events([&] {
    order += 'a';
    after.reset();
  });
  loop.run_once(0ms);
  loop.run_once(0ms);
  EXPECT_EQ(order, "tat");
}

TEST(Loop, EachTurnComesAfterOtherSourcesUntilReset) {
  Loop loop;
  Pipe pipe;
  std::string order;
  Source turn = loop.each_turn([&] { order += 't'; });
  Source io = loop.on_io(pipe.read.get(), EPOLLIN, [&](uint32_t) {
    char c = 0;
    if (::read(pipe.read.get(), &c, 1) == 1) order += c;
  });
  ASSERT_EQ(::write(pipe.write.get(), "i", 1), 1);
  ASSERT_TRUE(run_until(loop, [&] { return order.size() >= 3; }));
  EXPECT_EQ(order, "itt");
  turn.reset();
  loop.run_once(0ms);
  EXPECT_EQ(order, "itt");
}

TEST(Loop, ASourceMayDestroyItselfInItsCallback) {
  Loop loop;
  Pipe pipe;
  int calls = 0;
  std::string captured(100, 'x');  // lives on the heap: a use after free shows
  Source io, timer, turn;
  io = loop.on_io(pipe.read.get(), EPOLLIN, [&, captured](uint32_t) {
    io.reset();
    calls += captured.size() == 100 ? 1 : 0;
  });
  timer = loop.timer([&, captured] {
    timer.reset();
    calls += captured.size() == 100 ? 1 : 0;
  });
  turn = loop.each_turn([&, captured] {
    turn.reset();
    calls += captured.size() == 100 ? 1 : 0;
  });
  loop.arm(timer, loop.now());
  ASSERT_EQ(::write(pipe.write.get(), "x", 1), 1);
  ASSERT_TRUE(run_until(loop, [&] { return calls == 3; }));
  loop.run_once(0ms);
  EXPECT_EQ(calls, 3);
}

TEST(Loop, StopsWithTheGivenExitCode) {
  Loop loop;
  Source turn = loop.each_turn([&] { loop.stop(7); });
  EXPECT_EQ(loop.run(), 7);
}

TEST(Loop, AThrowingCallbackEndsTheLoopWithAFailure) {
  Loop loop;
  Source turn = loop.each_turn([] { throw std::runtime_error("test of the barrier"); });
  EXPECT_EQ(loop.run(), EXIT_FAILURE);
}

TEST(Loop, AnythingThrownEndsTheLoopWithAFailure) {
  Loop loop;
  Source turn = loop.each_turn([] { throw 42; });
  EXPECT_EQ(loop.run(), EXIT_FAILURE);
}

TEST(Loop, ThrowingAfterDestroyingItsOwnSourceStillEndsTheLoop) {
  Loop loop;
  bool gave_up = false;
  Source turn, guard;
  turn = loop.each_turn([&] {
    turn.reset();
    throw std::runtime_error("test of the barrier");
  });
  guard = loop.timer([&] {
    gave_up = true;
    loop.stop(0);
  });
  loop.arm(guard, loop.now() + 500ms);
  EXPECT_EQ(loop.run(), EXIT_FAILURE);
  EXPECT_FALSE(gave_up) << "the loop went on after an exception";
}

TEST(Handle, ClosesItsDescriptorOnce) {
  Pipe pipe;
  int fd = pipe.read.get();
  {
    Fd moved(std::move(pipe.read));
    EXPECT_FALSE(pipe.read);
    EXPECT_EQ(moved.get(), fd);
    Fd assigned;
    assigned = std::move(moved);
    EXPECT_GE(::fcntl(fd, F_GETFD), 0);
  }
  EXPECT_EQ(::fcntl(fd, F_GETFD), -1);
  int kept = pipe.write.release();
  EXPECT_FALSE(pipe.write);
  EXPECT_EQ(::close(kept), 0);
}

TEST(Handle, ChecksNameWhatFailed) {
  EXPECT_EQ(check(5, "x"), 5);
  try {
    check(-ENOENT, "open 'here'");
    FAIL();
  } catch (const std::system_error& e) {
    EXPECT_STREQ(e.what(), "open 'here': No such file or directory");
    EXPECT_EQ(e.code().value(), ENOENT);
  }
  errno = EACCES;
  EXPECT_THROW(check_errno(-1, "x"), std::system_error);
}

}  // namespace
}  // namespace mirrord
