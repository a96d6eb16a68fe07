#include "support/mirrord.hpp"

#include <signal.h>

#include <cstdlib>
#include <iostream>
#include <stdexcept>

#include <gtest/gtest.h>

namespace mirrord::test {
namespace {

/// Longer than the 5 s that a stop may take, so that the daemon ends its children itself.
constexpr milliseconds kGrace{8000};

Arguments command_line(const Mirrord::Options& options) {
  Arguments all = options.wrapper;
  all.insert(all.end(), {mirrord_program(), "--config-dir", options.config_dir, "--bus",
                         options.bus, "--log-target", "stderr"});
  all.insert(all.end(), options.arguments.begin(), options.arguments.end());
  return all;
}

/// The built one, if the environment names no directory with those of a package.
std::string program(const char* name, const char* built) {
  const char* directory = std::getenv("MIRRORD_PROGRAMS");
  return directory ? std::string(directory) + '/' + name : built;
}

Environment with_directories(const TempDir& dir, Environment environment) {
  for (const auto* name : {"run", "state"}) fs::create_directories(dir / name);
  environment.emplace("RUNTIME_DIRECTORY", dir / "run");
  environment.emplace("STATE_DIRECTORY", dir / "state");
  return environment;
}

Environment with_socket(Environment environment, const NotifySocket& socket) {
  environment.emplace("NOTIFY_SOCKET", socket.path());
  return environment;
}

}  // namespace

Mirrord::Mirrord(const TempDir& dir, Options options)
    : notify_(dir / "notify"),
      child_({.arguments = command_line(options),
              .environment = with_socket(with_directories(dir, options.environment), notify_),
              .output = dir / "mirrord.log",
              .grace = kGrace}) {}

Mirrord::~Mirrord() {
  if (testing::Test::HasFailure()) std::cerr << "--- mirrord's log:\n" << log() << "---\n";
}

void Mirrord::wait_ready() {
  wait_until([this] { return notify_.count("READY=1") > 0 || !running(); });
  if (notify_.count("READY=1") == 0)
    throw std::runtime_error("mirrord does not become ready:\n" + log());
}

int Mirrord::terminate(milliseconds limit) {
  signal(SIGTERM);
  return child_.wait(limit).value_or(-1);
}

Finished run_mirrord(const TempDir& dir, const Mirrord::Options& options) {
  return run(command_line(options), with_directories(dir, options.environment));
}

Finished run_mirrorctl(const Arguments& arguments) {
  Arguments all{mirrorctl_program()};
  all.insert(all.end(), arguments.begin(), arguments.end());
  return run(all);
}

std::string mirrord_program() { return program("mirrord", MIRRORD_BINARY); }
std::string mirrorctl_program() { return program("mirrorctl", MIRRORCTL_BINARY); }

}  // namespace mirrord::test
