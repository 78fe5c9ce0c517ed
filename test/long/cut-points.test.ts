// Shows for every surface that a reply cut at any byte, in every way at each of them, is never taken for a whole one.
import { closeAfterEach, describeStreamCuts, describeWholeCuts } from '../upstream/cuts.ts';

closeAfterEach();
describeStreamCuts('every way');
describeWholeCuts('every way');
