"""`yikao demo`, as seen from a terminal: prepares, tells the story, and gives its accounts."""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from yikao_alerts.feed.settings import PORT
from yikao_devices.story_clock import VARIABLE
from yikao_ingest.cli_serve import operators_errors, stopped_by_signals
from yikao_ingest.demo.cast import DEMO
from yikao_ingest.demo.plan import DRAIN_MAX_S, DRAIN_S, Plan, make_plan
from yikao_ingest.demo.report import Accounts
from yikao_ingest.demo.stage import Stage, free_port
from yikao_ingest.demo.telling import Teller
from yikao_ingest.logs import set_up_logs
from yikao_ingest.serving import WATCH_EVERY_S, Serving
from yikao_ingest.settings import DATABASE_URL


def demo(arguments: argparse.Namespace) -> int:
    """Run the demo; exit code 1 when a reading or a page was lost."""
    set_up_logs("ERROR")
    data = arguments.data or Path(tempfile.mkdtemp(prefix="yikao-"))
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    plan = make_plan(data, arguments.homes, arguments.speed, arguments.seconds, time.time())
    os.environ[VARIABLE] = plan.clock.spec()
    environ = dict(os.environ)
    environ[PORT] = str(arguments.port or environ.get(PORT) or free_port())
    serving = Serving(data, environ)
    stage = Stage(plan, serving, DEMO)
    report = None
    with operators_errors(), stopped_by_signals():
        try:
            _greet(plan)
            began_s = time.monotonic()
            stage.build()
            _ready(serving, time.monotonic() - began_s)
            report = _play(plan, stage, serving)
        except KeyboardInterrupt:
            print("\n演示结束  the demo ends", flush=True)
        finally:
            stage.end_story()
            serving.stop()
            if arguments.data is None:
                shutil.rmtree(data, ignore_errors=True)
    return _finish(report, arguments.report)


def _greet(plan: Plan) -> None:
    print("医靠 Yikao 演示：家里的血压计 → 网关 → 服务器 → 医生的手机", flush=True)
    print("A demo: from the cuff at home to the doctor's phone. Nobody here exists.", flush=True)
    length = f"{plan.seconds:g} s" if plan.seconds else "Ctrl-C 结束 ends it"
    print(f"{plan.homes} 户 homes · {plan.speed:g}× 时间 speed · {length}", flush=True)
    print("正在启动数据库、消息代理、网关……  starting database, broker, gateways ...", flush=True)


def _ready(serving: Serving, took_s: float) -> None:
    print(f"就绪，用时 {took_s:.1f} 秒  ready", flush=True)
    print(f"\n  医生工作台  the doctor's feed:  {serving.url}\n", flush=True)


def _play(plan: Plan, stage: Stage, serving: Serving) -> dict[str, object] | None:
    """Tell the story until its end, let the last reading arrive, and return the report."""
    teller = Teller(stage, plan.clock, _say, colour=sys.stdout.isatty())
    accounts = Accounts(serving.environ[DATABASE_URL], stage.truth, stage.phone_log, plan.clock)
    stage.begin_story()
    ends_s = None if plan.seconds is None else plan.clock.real_s + plan.seconds
    while ends_s is None or time.time() < ends_s:
        if ends_s is not None and time.time() > ends_s - DRAIN_S:
            stage.end_story()
        _moment(teller, serving)
    until = time.time() + DRAIN_MAX_S
    while accounts.readings()["lost"] and time.time() < until:
        _moment(teller, serving)
    _moment(teller, serving)
    return accounts.report()


def _moment(teller: Teller, serving: Serving) -> None:
    serving.watch()
    teller.tell(serving.environ[DATABASE_URL], time.time())
    time.sleep(WATCH_EVERY_S)


def _say(line: str) -> None:
    print(line, flush=True)


def _finish(report: dict[str, object] | None, file: Path | None) -> int:
    if report is None:
        return 0
    text = json.dumps(report, ensure_ascii=False, indent=2)
    if file is not None:
        file.write_text(text + "\n", "utf-8")
    print(f"\n结账  the accounts\n{text}", flush=True)
    readings, pages = report["readings"], report["pages"]
    assert isinstance(readings, dict) and isinstance(pages, dict)
    whole = not (readings["lost"] or readings["duplicated"] or pages["lost"])
    print("没有丢失  nothing lost" if whole else "有丢失！  SOMETHING WAS LOST", flush=True)
    return 0 if whole else 1
