// Agents stay where their prompts are, wait in the right order, and nobody beyond the limit. For src/scheduling, src/flow and src/fleet.
import { describe, expect, it } from 'vitest';
import { agentSessions } from './claims/agent-sessions.ts';
import { type AgentFigures, type AgentOptions, agents, LONGEST_WAIT_MS } from './claims/agents.ts';

const sessions = agentSessions(40, 7);
const play = (schedule: AgentOptions['schedule'], load: number, minutes: number) =>
  agents({ sessions, schedule, load, lastsMs: minutes * 60_000, seed: 1 });

function inOrder({ toolLoop, newTurns, longestWaitMs }: AgentFigures): void {
  expect(toolLoop.queueMs.p50!).toBeLessThanOrEqual(newTurns.queueMs.p50!);
  expect(toolLoop.queueMs.p95!).toBeLessThan(newTurns.queueMs.p95!);
  expect(longestWaitMs).toBeLessThan(LONGEST_WAIT_MS + 1);
}

describe('agents with long prompts', () => {
  it('at 0.7 of capacity find 95 % of what perfect affinity would, on workers that are evenly loaded', async () => {
    const figures = await play('sticky', 0.7, 30);
    const { report, imbalance } = figures;
    const [, fiveMinutes] = imbalance;
    expect(report.all.calls).toBeGreaterThan(3_000);
    expect(report.all.answered).toBe(report.all.calls);
    expect(report.reusedOfPerfect!).toBeGreaterThanOrEqual(0.95);
    expect(fiveMinutes!.work!).toBeLessThanOrEqual(1.3);
    inOrder(figures);
  }, 120_000);

  it('placed by sticky-even are as well off, and their workers more evenly loaded over ten minutes', async () => {
    const [sticky, even] = [await play('sticky', 0.7, 45), await play('sticky-even', 0.7, 45)];
    const tenMinutes = ({ imbalance }: AgentFigures) => imbalance[2]!.work!;
    expect(even.report.all.answered).toBe(even.report.all.calls);
    expect(even.report.reusedOfPerfect!).toBeGreaterThanOrEqual(0.95);
    expect(tenMinutes(even)).toBeLessThanOrEqual(1.3);
    expect(tenMinutes(even)).toBeLessThan(tenMinutes(sticky));
    expect(even.report.all.ttftMs.p95!).toBeLessThan(1.1 * sticky.report.all.ttftMs.p95!);
    inOrder(even);
  }, 120_000);

  it('at 1.5 still do, since a pool that is full moves nobody; tool loops go first, and nobody waits beyond the limit', async () => {
    const figures = await play('sticky', 1.5, 12);
    expect(figures.report.reusedOfPerfect!).toBeGreaterThanOrEqual(0.95);
    expect(figures.toolLoop.queueMs.p50!).toBeLessThan(figures.newTurns.queueMs.p50! / 2);
    inOrder(figures);
  }, 120_000);

  it('without affinity lose a tenth of it, and with that most of their workers’ time', async () => {
    const [sticky, fewest] = [await play('sticky', 0.7, 10), await play('least-requests', 0.7, 10)];
    expect(fewest.report.reusedOfPerfect!).toBeLessThan(0.9);
    expect(fewest.report.answeredPerSecond).toBeLessThan(0.6 * sticky.report.answeredPerSecond);
    // A line that is kept short spares them much of it; those it refuses are not in here.
    expect(fewest.report.all.ttftMs.p50!).toBeGreaterThan(5 * sticky.report.all.ttftMs.p50!);
  }, 120_000);
});
