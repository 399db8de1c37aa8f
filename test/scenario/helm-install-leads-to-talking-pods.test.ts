import t from 'tap';
import { chartLeadsToTalkingPods } from './chart-leads-to-talking-pods.ts';

t.setTimeout(180_000);
t.test('from the chart to two pods that talk', (t) => chartLeadsToTalkingPods(t, { life: '15s' }));
