#include "ctl/lsyncd_sandbox.hpp"

#include <gtest/gtest.h>

#include "support/files.hpp"

namespace mirrord {
namespace {

using test::TempDir;
using test::write_file;

std::string text_of(const LuaTable& table, const char* key) {
  const LuaValue* value = table.find(key);
  const auto* text = value ? value->as<std::string>() : nullptr;
  return text ? *text : "";
}

/// The source of the only sync block.
std::string source_of(const std::string& program) {
  const auto record = evaluate_lsyncd(program);
  EXPECT_EQ(record.error.text, "");
  return record.syncs.size() == 1 ? text_of(record.syncs[0].keys, "source") : "";
}

TEST(LsyncdSandbox, RecordsWhatAProgramAsksFor) {
  const auto record = evaluate_lsyncd(
      "settings { nodaemon = true }\n"
      "for i = 1, 2 do\n"
      "  sync { default.rsync, source = '/s' .. i, delay = 1.5, exclude = { 'a', 'b' } }\n"
      "end\n"
      "settings.insist = true\n"
      "alarm(now(), nil)\n");
  EXPECT_EQ(record.error.text, "");
  ASSERT_EQ(record.settings.size(), 2u);
  EXPECT_EQ(record.settings[0].key, "nodaemon");
  EXPECT_EQ(record.settings[0].line, 1);
  EXPECT_EQ(record.settings[1].line, 5);
  ASSERT_EQ(record.syncs.size(), 2u);
  EXPECT_EQ(record.syncs[1].line, 3);
  EXPECT_EQ(text_of(record.syncs[1].keys, "source"), "/s2");
  EXPECT_EQ(text_of(record.syncs[1].keys, "base"), "rsync");
  EXPECT_EQ(*record.syncs[1].keys.find("delay")->as<double>(), 1.5);
  EXPECT_EQ(record.syncs[1].keys.find("exclude")->as<LuaTable>()->list.size(), 2u);
  ASSERT_EQ(record.calls.size(), 1u);
  EXPECT_EQ(record.calls[0].name, "alarm");
  EXPECT_EQ(record.calls[0].line, 6);
}

TEST(LsyncdSandbox, ABlockInheritsWhatItDoesNotSay) {
  const auto record = evaluate_lsyncd(
      "base = { default.rsyncssh, delay = 1, rsync = { archive = true, compress = false } }\n"
      "sync { base, source = '/s', delay = 2, rsync = { compress = true } }\n");
  ASSERT_EQ(record.syncs.size(), 1u);
  const LuaTable& keys = record.syncs[0].keys;
  EXPECT_EQ(text_of(keys, "base"), "rsyncssh");
  EXPECT_EQ(*keys.find("delay")->as<double>(), 2);
  const auto* rsync = keys.find("rsync")->as<LuaTable>();
  EXPECT_TRUE(*rsync->find("archive")->as<bool>());
  EXPECT_TRUE(*rsync->find("compress")->as<bool>());
  EXPECT_EQ(keys.find("action"), nullptr) << "lsyncd's own functions are no news";
}

TEST(LsyncdSandbox, AFunctionIsKnownByItsLine) {
  const auto record = evaluate_lsyncd("sync {\n  source = '/s',\n  action = function() end,\n}\n");
  ASSERT_EQ(record.syncs.size(), 1u);
  EXPECT_EQ(record.syncs[0].keys.find("action")->as<LuaFunction>()->line, 3);
}

TEST(LsyncdSandbox, LaterLuasKnowTheNamesOfLua51) {
  EXPECT_EQ(source_of("sync { source = unpack({ '/s' }) }"), "/s");
  EXPECT_EQ(source_of("sync { source = '/s' .. table.getn({ 1, 2 }) }"), "/s2");
  EXPECT_EQ(source_of("sync { source = loadstring('return \"/s\"')() }"), "/s");
  EXPECT_EQ(source_of("for w in string.gfind('/s x', '/%a') do sync { source = w } end"), "/s");
  EXPECT_EQ(source_of("table.foreach({ '/s' }, function(_, v) sync { source = v } end)"), "/s");
  EXPECT_EQ(source_of("sync { source = '/' .. table.maxn({ [7] = 1 }) .. math.pow(2, 2) }"),
            "/74.0");
}

TEST(LsyncdSandbox, FilesCanBeRead) {
  const TempDir dir;
  write_file(dir / "list", "/a\n/b\n");
  write_file(dir / "more.lua", "return '/c'");
  const std::string list = (dir / "list").native(), more = (dir / "more.lua").native();
  EXPECT_EQ(
      evaluate_lsyncd("for s in io.lines('" + list + "') do sync { source = s } end").syncs.size(),
      2u);
  EXPECT_EQ(source_of("local f = io.open('" + list + "') sync { source = f:read('*l') }"), "/a");
  EXPECT_EQ(source_of("local f = io.open('" + list + "', 'r') sync { source = f:read('*a') }"),
            "/a\n/b\n");
  EXPECT_EQ(source_of("sync { source = dofile('" + more + "') }"), "/c");
  EXPECT_EQ(source_of("sync { source = '/' .. tostring(io.open('/dev/zero')) }"), "/nil");
}

TEST(LsyncdSandbox, AFileMayBeginAsTheKernelOrWindowsLikesIt) {
  const std::string block = "sync { source = '/s' }\n";
  for (const std::string begin :
       {"#!/usr/bin/lsyncd\n", "\xef\xbb\xbf", "\xef\xbb\xbf#!/usr/bin/lsyncd\n", "# x\n"}) {
    EXPECT_EQ(source_of(begin + block), "/s") << begin;
    const TempDir dir;
    write_file(dir / "inner", begin + "return '/inner'");
    EXPECT_EQ(source_of("sync { source = dofile('" + (dir / "inner").native() + "') }"), "/inner");
  }
  EXPECT_EQ(evaluate_lsyncd("#!/usr/bin/lsyncd\n" + block).syncs.at(0).line, 2);
  EXPECT_EQ(evaluate_lsyncd("#!/usr/bin/lsyncd\n\nsync(1)").error.line, 3);
  EXPECT_EQ(evaluate_lsyncd("#").error.text, "");
}

TEST(LsyncdSandbox, StandardLibrariesCanBeRequired) {
  for (const std::string name : {"string", "table", "math", "os", "io", "package", "_G"}) {
    const std::string same = "assert(require('" + name + "') == " + name + ") ";
    EXPECT_EQ(source_of(same + "sync { source = '/s' }"), "/s") << name;
  }
  EXPECT_NE(evaluate_lsyncd("require('os').execute('id')").error.text.find("cannot run commands"),
            std::string::npos);
}

TEST(LsyncdSandbox, ModulesAreFilesOnThePathOfPackages) {
  const TempDir dir;
  write_file(dir / "inc.lua", "count = (count or 0) + 1\nreturn { source = '/' .. ... }");
  write_file(dir / "sub/silent.lua", "other = '/silent'");
  write_file(dir / "wrong.lua", "x = = 1");
  const std::string path =
      "package.path = package.path .. ';/nowhere/?;" + dir.path().native() + "/?.lua' ";
  EXPECT_EQ(source_of(path + "local inc = require('inc') sync { source = inc.source }"), "/inc");
  EXPECT_EQ(source_of(path + "require('inc') require 'inc' sync { source = '/' .. count }"), "/1");
  EXPECT_EQ(source_of(path + "assert(require('sub.silent')) sync { source = other }"), "/silent");
  EXPECT_EQ(source_of("package.preload.x = function() return '/x' end "
                      "sync { source = require('x') }"),
            "/x");
  EXPECT_NE(evaluate_lsyncd(path + "require('wrong')").error.text.find("wrong.lua:1:"),
            std::string::npos);
}

TEST(LsyncdSandbox, NothingElseCanBeDone) {
  const TempDir dir;
  const std::string file = (dir / "written").native();
  struct Case {
    std::string program;
    const char* part_of_error;
  };
  const Case cases[] = {
      {"io.popen('id')", "cannot run commands"},
      {"os.execute('id')", "cannot run commands"},
      {"require('posix')", "'posix' is not available"},
      {"os.exit(0)", "ends lsyncd"},
      {"assert(io.open('" + file + "', 'w'))", "only reading"},
      {"os.remove('/x')", "remove"},
      {"debug.getregistry()", "debug"},
      {"coroutine.create(print)", "coroutine"},
      {"package.loadlib('x', 'y')", "loadlib"},
      {"package.path = nil require('x')", "package.path"},
      {"package.cpath = '/lib/?.so' require('x')", "'x' is not available"},
      {"load('\\27Lua')()", "nil value"},
  };
  for (const Case& c : cases) {
    const auto error = evaluate_lsyncd(c.program).error;
    EXPECT_NE(error.text.find(c.part_of_error), std::string::npos) << c.program << error.text;
    EXPECT_EQ(error.line, 1) << c.program;
  }
  EXPECT_FALSE(test::fs::exists(file));
}

TEST(LsyncdSandbox, SaysWhereAProgramIsWrong) {
  EXPECT_EQ(evaluate_lsyncd("local x = 1\nsync { = }\n").error.line, 2);
  const auto error = evaluate_lsyncd("\n\nlocal x = nil .. 'a'").error;
  EXPECT_EQ(error.line, 3);
  EXPECT_EQ(error.text, "attempt to concatenate a nil value");
  EXPECT_EQ(evaluate_lsyncd("sync(1)").error.text, "sync needs a table: sync{ ... }");
}

TEST(LsyncdSandbox, EndsWhatDoesNotEnd) {
  const char* const kEndless = "the configuration does not come to an end";
  EXPECT_EQ(evaluate_lsyncd("while true do end").error.text, kEndless);
  EXPECT_EQ(evaluate_lsyncd("while true do pcall(function() while true do end end) end").error.text,
            kEndless);
  EXPECT_EQ(evaluate_lsyncd("local t = {} while true do t[#t + 1] = ('x'):rep(1e6) end").error.text,
            "not enough memory");
  EXPECT_EQ(evaluate_lsyncd("local t = { default.rsync } t.t = t sync(t)").error.text,
            "the configuration holds too many values, or too deep ones");
}

}  // namespace
}  // namespace mirrord
