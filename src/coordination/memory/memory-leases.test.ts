import { describeLeases } from '../lease-contract.ts';
import { MemoryLeaseBoard } from './memory-leases.ts';

describeLeases('a board in memory', async () => {
  const board = new MemoryLeaseBoard();
  return { boards: [board, board], close: async () => undefined };
});
