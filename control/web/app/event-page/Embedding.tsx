import { useForm, useWatch } from 'react-hook-form';
import { asApiProblem } from '../shell/problem';
import { useWords } from '../shell/words';
import { Button } from '../ui/Button';
import { CopyButton } from '../ui/Copy';
import { Field } from '../ui/Field';
import { Form } from '../ui/Form';
import { Select } from '../ui/Select';
import { type EventDetails, mayIn, useEvent } from './event';
import { linesOf, named, useFields, wrongLines } from './fields';
import styles from './event-page.module.css';

const places = ['anywhere', 'listed', 'nowhere'] as const;

/** How other sites show the event, and which of them may. */
export function Embedding() {
  const { t } = useWords();
  const event = useEvent();
  const { frame, script } = codesOf(event);
  const edits = mayIn(event, 'edit-event') && event.state !== 'archived' && event.state !== 'cancelled';
  return (
    <section className={styles['section']} aria-labelledby="embedding">
      <div>
        <h2 id="embedding">{t('embed.title')}</h2>
        <p className="muted">{t(`embed.is.${event.embed.where}`)}</p>
      </div>
      {!edits && event.embed.where === 'listed' && <p>{(event.embed.sites ?? []).join(', ') || '–'}</p>}
      {event.embed.where !== 'nowhere' && (
        <>
          <Code name={t('embed.frame')} code={frame} />
          <Code name={t('embed.script')} code={script} />
        </>
      )}
      {edits && <Sites />}
    </section>
  );
}

function Code({ name, code }: { name: string; code: string }) {
  return (
    <div className={styles['copied']}>
      <span>{name}</span>
      <div>
        <code>{code}</code>
        <CopyButton value={code} name={name} />
      </div>
    </div>
  );
}

/** What to put into another site's page. */
export function codesOf({ link, slug, title }: Pick<EventDetails, 'link' | 'slug' | 'title'>): {
  frame: string;
  script: string;
} {
  const { origin } = new URL(link);
  const quoted = title.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return {
    frame: `<iframe src="${origin}/embed/${slug}" width="640" height="420" allow="autoplay; fullscreen; picture-in-picture" title="${quoted}"></iframe>`,
    script: `<script type="module" src="${origin}/player.js"></script>\n<freshet-player event="${slug}" api="${origin}/api/v1" autoplay></freshet-player>`,
  };
}

function valuesOf({ embed }: EventDetails) {
  return { where: embed.where, sites: (embed.sites ?? []).join('\n') };
}

function Sites() {
  const { t } = useWords();
  const event = useEvent();
  const save = useFields();
  const form = useForm({ values: valuesOf(event), resetOptions: { keepDirtyValues: true } });
  const { control } = form;
  const where = useWatch({ control, name: 'where' });
  const problem = save.isError ? asApiProblem(save.error) : undefined;
  const wrong = wrongLines(problem?.fields.map(({ pointer }) => pointer) ?? [], 'embed/sites');
  return (
    <div className={styles['column']}>
      <Form
        form={form}
        error={problem && named(problem, { embed: 'sites' })}
        onSubmit={({ where, sites }) => {
          save.mutate(
            { embed: { where, sites: where === 'listed' ? linesOf(sites) : [] } },
            {
              onSuccess: saved => {
                form.reset(valuesOf(saved), { keepDirtyValues: false });
              },
            },
          );
        }}
        fields={{
          sites: {
            label: t('embed.sites'),
            wrong:
              wrong.length > 0 ? t('embed.sites.wrong', { lines: wrong.join(', ') }) : t('embed.sites.many'),
          },
        }}
      >
        <Select
          control={control}
          name="where"
          label={t('embed.where')}
          choices={places.map(value => ({ value, name: t(`embed.where.${value}`) }))}
        />
        {where === 'listed' && (
          <Field
            control={control}
            name="sites"
            label={t('embed.sites')}
            hint={t('embed.sites.hint')}
            lines={4}
            autoComplete="off"
          />
        )}
        <div className={styles['acts']}>
          <Button type="submit" writes busy={save.isPending}>
            {t('embed.save')}
          </Button>
          <span role="status">{save.isSuccess && !form.formState.isDirty ? t('saved') : ''}</span>
        </div>
      </Form>
    </div>
  );
}
